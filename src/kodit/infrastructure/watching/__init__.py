"""Watching folders by the file system's own events."""
