"""The messages of the protocol as they pass: looked at only while an admin watches a server."""
