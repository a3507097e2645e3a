"""One file per noun of the HTTP API; a router calls the noun and does nothing else."""
