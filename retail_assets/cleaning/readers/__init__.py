"""Readers: from the bytes of a landed file to records of text, one module per format.

A reader drops nothing and interprets nothing. Every physical line of a file belongs to exactly one record; a record
that cannot be split into the header's fields comes out with the reason. What the texts mean is decided in
`cleaning/parse.py`.
"""
