"""Backups, restore and the move file: one archive that holds everything a person would miss."""
