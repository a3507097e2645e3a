"""Who may see what, who is logged in, and what was read."""
