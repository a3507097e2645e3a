"""Readings and refused messages in their tables."""
