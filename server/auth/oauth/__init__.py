"""OAuth 2.1 for MCP clients: a person lets a program act for them without handing it a password or a token."""
