"""Descriptions of indexed code that need no model, by kind: their content and their text."""
