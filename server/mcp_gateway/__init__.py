"""All MCP servers of this machine behind one endpoint: upstream clients, catalogue, policy, built-in tools."""
