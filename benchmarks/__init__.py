"""What `make bench` runs: speed and memory, as ratios in one run wherever a ratio is possible."""
