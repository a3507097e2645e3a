"""The duty board and the pages of incidents."""
