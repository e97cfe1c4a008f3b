"""The Model Context Protocol: eight tools for coding assistants, over streamable HTTP."""
