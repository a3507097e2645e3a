"""The nouns: incidents, notifications, references, distances. Pure."""
