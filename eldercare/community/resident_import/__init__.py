"""`eldercare import-residents`: the committee's list into the database, every row of it or none."""
