"""The faces of Kodit. They do not import one another."""
