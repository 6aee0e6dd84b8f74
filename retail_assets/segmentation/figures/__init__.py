"""Figures of the segments, in modules by what they draw; `draw` makes them all. Each title states the finding.

A figure that the data do not give becomes a sentence that says why: a figure of an earlier run must not stand next to a
report that contradicts it.
"""
