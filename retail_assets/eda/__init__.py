"""Exploratory analysis of the sales: aggregates, what they show, figures, tables and sentences."""
