"""The files in which coding assistants keep which MCP servers they start."""
