"""The schedules of the learning rate, one file each."""
