"""The pages of residents."""
