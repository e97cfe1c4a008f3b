"""Answers as text for a language model: places first, then code, no decoration."""
