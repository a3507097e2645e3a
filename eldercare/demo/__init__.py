"""The whole line on one machine."""
