"""What is timed, side by side with its peers, as ratios."""
