"""The configuration files in which coding assistants list their MCP servers."""
