"""Recorded heart rates, steps and positions, played through the broker as bands would send them."""
