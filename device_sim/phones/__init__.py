"""Simulated telephones: a provider with Twilio's HTTP API, and a page on which a person answers them."""
