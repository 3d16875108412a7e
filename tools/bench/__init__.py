"""Benchmarks of the product in time, requests and money, with a target for each: `make bench`, BENCHMARKS.md."""
