"""Messages on their way: the outbox, the sender, and what providers say of them."""
