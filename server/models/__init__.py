"""One noun per file: the table, its fields and the default rules beside it."""
