"""What bands say, decoded. Pure."""
