"""The forecast's benchmarks: two real data sets, the statistical models of another library, and size."""
