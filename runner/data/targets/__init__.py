"""Targets: what y is for a sample, a file each."""
