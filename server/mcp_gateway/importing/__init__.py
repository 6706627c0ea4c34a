"""MCP servers that people have already: read from the files of AI clients, and made records of."""
