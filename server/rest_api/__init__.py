"""/api/v1: the records app, and the routes beside it that are no model."""
