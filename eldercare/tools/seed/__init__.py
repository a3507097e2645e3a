"""An invented community for an empty database."""
