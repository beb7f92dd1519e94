"""Speed of this suite against other implementations, side by side in one process: docs/benchmarks.md says how to run them."""
