"""Plugins: manifest, discovery, loading, the narrow context and the registry."""
