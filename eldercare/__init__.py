"""The kernel every service shares: settings, errors, log, clock, wire contract, database and the nouns of the domain."""
