"""Consistency checks of everything below a data directory, one module per area."""
