"""Samples: data to start with, landed the way a shop would. The Complete Journey, simulated from real patterns, and generated sales of any size."""
