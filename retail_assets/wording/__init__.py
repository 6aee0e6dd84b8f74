"""The words: how numbers are written (`formats`), and every sentence that states a number of the data (`statement`).

Sentences only: what is measured and what is worth saying is decided by the rooms above, which pass the numbers in.
"""
