"""From a message to a stored, judged reading or an incident."""
