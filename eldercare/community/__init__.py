"""The nouns of the community: residents, people, bands, readings, consents."""
