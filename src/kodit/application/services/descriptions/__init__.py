"""Descriptions of indexed code, made when they are asked for."""
