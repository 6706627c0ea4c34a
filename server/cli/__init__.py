"""Commands that touch data. A running server does them; a stopped one's folder is opened directly, never both."""

from server.cli.commands import app

__all__ = ["app"]
