"""Who is asked for help, in which order: the escalation policy, and where policies are kept."""
