"""Well-known MCP servers, offered without asking any network."""
