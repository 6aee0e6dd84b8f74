"""The forecast's benchmarks: two public data sets, the statistical models of another library, and size."""
