"""Samples drawn from a distribution, a file each."""
