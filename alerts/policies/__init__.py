"""Who is asked for help, in which order: the ladder, and where policies are kept."""
