"""Spark: Java, configuration, session, and the archive of classes for faster starts. No job belongs here."""
