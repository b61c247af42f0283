"""What a sweep of many runs costs, measured on few: the figures of docs/scale/million.md."""
