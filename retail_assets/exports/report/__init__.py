"""One self-contained HTML page: what happened, what will happen, who buys, what to do, how far to trust it."""
