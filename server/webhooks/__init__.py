"""Webhooks out: changes of records, told to addresses that people chose."""
