"""Samples, landed the way a shop would: The Complete Journey (simulated), and generated sales of any size."""
