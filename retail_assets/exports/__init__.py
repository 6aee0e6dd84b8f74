"""What leaves the platform for people: the report. No statistics of its own: it shows what the tables hold."""
