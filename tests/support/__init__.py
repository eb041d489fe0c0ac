"""What only tests and benchmarks need: planted faults and random specimens."""
