"""A configuration-driven experiment runner that judges whether backpropagations agree."""

__version__ = "0.1.0"
