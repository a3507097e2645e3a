"""One connection to the broker, packet by packet."""
