"""What people answer by telephone or text, and what comes of it."""
