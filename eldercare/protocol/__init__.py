"""The MQTT contract between bands and the service."""
