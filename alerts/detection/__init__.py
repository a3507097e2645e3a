"""What is remembered of each band, and the bands that say nothing."""
