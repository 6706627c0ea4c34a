"""Records as tools: what a person may do with their data, an AI client of theirs may do as well."""
