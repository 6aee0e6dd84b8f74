"""The door: does every kind of input file come out right, or refused with the way out? `make bench-door`."""
