"""What happens to runs and indexes, told while it happens."""
