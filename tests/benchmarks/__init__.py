"""Benchmarks: each against a peer's idiomatic public API, `python -m tests.benchmarks NAME`."""
