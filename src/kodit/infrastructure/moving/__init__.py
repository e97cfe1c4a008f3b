"""The ends of a move: the database file of a data directory, and a database of a server."""
