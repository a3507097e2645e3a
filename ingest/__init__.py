"""MQTT in: sessions and acknowledgements, decoding, batches, and the one transaction that stores them."""
