"""The words of an answer: one way to write them, and what each of them speaks of. Data and patterns; pure."""
