"""Inspection: what a landed file is, before cleaning reads it. Its format, header, line count and control totals.

The counts and totals taken here are independent of cleaning on purpose: other code, and another CSV parser. The checks
for row conservation and revenue reconciliation compare them with cleaning's result, so this redundancy must stay. Not
here: judging single records.
"""
