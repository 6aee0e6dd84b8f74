"""Contracts: what a raw file of a source looks like, and how its rows become canonical sales.

A contract is a YAML file. `model.py` says what it may contain, `loading.py` reads one, `headers.py` matches it to a
file's header, and `typing_sql/` turns its rules into SQL. The shipped contracts are in `shipped/`.
"""
