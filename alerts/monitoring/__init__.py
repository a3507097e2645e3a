"""How the line itself is doing, and what is kept for a time only."""
