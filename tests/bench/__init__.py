"""Benchmarks: ratios within one run, medians. `make bench` prints them all."""
