"""Pseudonyms: ids of customers are replaced by keyed hashes before files land, where a contract asks for it.

`pseudonym.py` makes them, `opened.py` guards the key, `rewritten.py` replaces ids in files of every format,
`clear_ids.py` refuses landed files that have others, and `records.py` replaces them in records of a stream.
"""
