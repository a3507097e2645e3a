"""Who is called next, decided by the planner and carried out by the worker."""
