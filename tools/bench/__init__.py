"""What the product costs, in time, requests and money, beside its targets: `make bench`, BENCHMARKS.md."""
