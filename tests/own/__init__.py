"""Code as a user writes it: backpropagations as plain functions, and torch modules."""
