"""The data sets that scikit-learn brings with it, a file each."""
