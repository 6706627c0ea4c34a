"""Signing in to remote MCP servers (OAuth 2.1): discovery, consent, tokens and their renewal."""
