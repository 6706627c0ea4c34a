"""A running server with a folder for plugins."""

from tests.server.plugin_host.tests_plugin_support import ada, folder, house

__all__ = ["ada", "folder", "house"]
