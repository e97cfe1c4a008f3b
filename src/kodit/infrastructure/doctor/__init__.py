"""Checks of everything below a data directory against each other, one module an area."""
