"""HTTP: the JSON API, the provider callbacks and the console."""
