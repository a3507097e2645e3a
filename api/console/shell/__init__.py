"""What every page shares: words, times, errors, the login."""
