"""From a message to a stored, evaluated reading or an incident."""
