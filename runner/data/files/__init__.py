"""Samples read from a file, a file each format."""
