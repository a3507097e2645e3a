"""Twilio: calls and texts through its API, what it posts back, and what its words mean."""
