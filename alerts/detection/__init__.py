"""What is remembered of each band, and what nobody says: silence."""
