"""How the service itself is doing, and what is kept for a time only."""
