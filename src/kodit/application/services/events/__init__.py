"""Events of runs and indexes, delivered as they happen."""
