"""The database: one SQLite file, many readers, one writer. Nothing above knows which engine it is."""
