"""Samples: data to start with, landed the way a shop would. The Complete Journey, and generated sales of any size."""
