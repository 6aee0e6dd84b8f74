"""Figures of the sales, in modules by what they draw; `render` makes them all.

A function draws one figure on a `Sheet` whose title states what the data show, or raises `NothingToShow` with the
reason when the data lack what it would show.
"""
