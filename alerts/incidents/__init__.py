"""Incidents: how they are opened, handled, shown and ended, and what follows from that."""
