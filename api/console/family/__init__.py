"""The family's page: whether she is all right, in a sentence, and what it rests on."""
