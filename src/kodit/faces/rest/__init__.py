"""The REST face: HTTP requests over the use cases that all faces share. Its answers are the same
views that the command line prints."""
