"""Watching folders through file system events."""
