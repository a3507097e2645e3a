"""What every service stands on: settings, log, clock, database, migrations."""
