"""Simulated bands and simulated telephones."""
