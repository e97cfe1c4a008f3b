"""A server on another machine, over HTTP."""
