"""Durable background tasks: queued in the database, run by this process, owned by a person."""
