"""Benchmarks: each prints its figure as a ratio to a limit measured in the same run."""
