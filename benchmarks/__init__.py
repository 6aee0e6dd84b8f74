"""What is measured, against whom, one command a question. Results go to benchmarks/results (not committed)."""
