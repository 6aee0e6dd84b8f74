"""Customer segments: features from the warehouse, clusters, names for them, and how far they can be trusted."""
