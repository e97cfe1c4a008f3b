"""Answers as text, made to be read by a language model: places first, then code, no ornament."""
