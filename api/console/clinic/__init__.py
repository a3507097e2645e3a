"""The doctor's page: who is worth a look, and one person's weeks on one axis, against what is usual for that person."""
