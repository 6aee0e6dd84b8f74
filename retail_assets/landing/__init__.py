"""Getting files into the raw store, byte for byte, one folder a landing day; and two samples to begin with."""
