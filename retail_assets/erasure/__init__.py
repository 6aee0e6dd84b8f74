"""Erasing a customer: out of raw files, lake, warehouse, models, bundles and outputs, and kept from coming back.

What does not belong here: Dagster's event log (`defs/erased_events.py`), and how a file is read (`cleaning/readers`).
"""
