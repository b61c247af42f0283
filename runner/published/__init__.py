"""The assignment's published report, and tables of its kind."""
