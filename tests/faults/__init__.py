"""Backends that are deliberately wrong, lossy, or right in their own way; usable from the command line too:

python -m runner --config-dir tests/faults/conf backend=[missing_factor,torch]
"""
