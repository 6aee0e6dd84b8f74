"""Predictions for people and programs. Imports neither dagster nor pyspark."""
