"""Benchmarks: our figures beside the peers', in one run. Not part of the test suite."""
