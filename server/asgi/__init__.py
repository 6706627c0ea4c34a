"""ASGI building blocks: replies, bodies, guards, signatures."""
