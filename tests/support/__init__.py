"""What tests, benchmarks and generated pages share, and the package does not need: planted faults and specimens."""
