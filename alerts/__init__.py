"""Rules, incidents, escalation and delivery: from a finding to a person who goes."""
