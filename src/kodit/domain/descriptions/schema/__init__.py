"""The tables of a database, read from models, migrations and SQL, without running anything."""
