"""The GridBear server: one SQLite file, one address."""

__version__ = "0.1.0"
