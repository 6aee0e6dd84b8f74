"""What is measured and against what, one command per question. Results go to benchmarks/results (not committed)."""
