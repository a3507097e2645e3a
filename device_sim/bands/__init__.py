"""Simulated bands: a day's rhythm and what can go wrong in it, published as a real band would."""
