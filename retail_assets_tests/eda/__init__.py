"""Tests of the exploratory analysis."""
