"""Rejected records: looked at, taken out to be mended, and judged again after a contract was corrected."""
