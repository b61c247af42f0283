"""Architectures: each gives a list of layers as it could be written in the configuration."""
