"""Micro-batches of a broker's topics into the landing, each record exactly once.

Not here: what a record means. What has landed goes the way of every landed file.
"""
