"""`retail-assets`: the entry point, one module per group of commands, and output for people. Work is done elsewhere."""
