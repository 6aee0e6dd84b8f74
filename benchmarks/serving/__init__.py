"""Predictions next to their targets: the command line, the published bundle, and every other door."""
