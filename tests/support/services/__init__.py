"""Real services for the tests: each is started on loopback in a folder of its own, and ended by its process id."""
