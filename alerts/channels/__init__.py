"""One file per way of reaching a person or a band."""
