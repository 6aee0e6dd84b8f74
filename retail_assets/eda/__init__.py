"""Exploratory analysis of the sales: aggregates, what they show, and figures, tables and sentences that show it."""
