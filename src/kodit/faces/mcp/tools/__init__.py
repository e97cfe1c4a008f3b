"""The tools: each turns a call into the text of its answer."""
