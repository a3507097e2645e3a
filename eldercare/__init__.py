"""The kernel every service shares: settings, errors, log, clock, wire contract, database, the nouns of the domain."""
