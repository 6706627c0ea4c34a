"""MCP servers behind the gateway: finding and starting them, speaking with them, watching over them."""
