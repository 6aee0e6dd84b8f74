"""From text to typed values: a contract as DuckDB SQL expressions over the text columns of a file.

There is one place for every way of reading a number, a date, an id or a category, used by cleaning and by landing's
control totals alike. An unreadable value becomes NULL here; whether that is a reason to reject the row is decided in
`cleaning/rules.py`.
"""
