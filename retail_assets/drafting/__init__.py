"""Drafting: a contract drafted from a file, and a dry run that shows what a contract makes of a file. Nothing lands."""
