"""What a backup tells of paths that another computer may not have."""

from __future__ import annotations

import pytest

from server.access.actor import SYSTEM
from server.backup.unmovable import unmovable
from server.config import Settings
from tests.conftest import Bear

pytestmark = pytest.mark.anyio


def test_only_what_somebody_gave_at_the_start_is_told_as_bound_to_it() -> None:
    given = Settings.load({"port": 8099}, env={"GRIDBEAR_BACKUP_KEEP": "3"}, stored={"tls": "off"})
    # As the listener names what it has bound, given or not.
    listening = given.model_copy(update={"host": given.host, "port": 8099, "tls": given.tls})
    assert listening.bound_to_the_start() == {"port", "backup_keep"}


async def test_the_folder_of_a_plugins_server_goes_with_its_plugin_and_is_not_told(bear: Bear) -> None:
    values = {"transport": "stdio", "cwd": "/data/plugins/weather", "plugin": "weather"}
    plugins = bear.app.gateway.gateway.plugin_servers
    # In force for the time of the test, as while the plugin runs.
    await plugins.put("weather", {"weather-sky": {**values, "command": "npx"}}, lambda _name: None)
    await plugins.take("weather")
    own = {"name": "clock", "transport": "stdio", "command": "/opt/clock", "cwd": "/srv/clock"}
    await bear.app.records.create(SYSTEM, "mcp_servers", own)
    told = [(one.what, one.why) for one in unmovable(bear.app.settings.current.data_dir / "gridbear.db", ())]
    assert told == [
        ("MCP server clock", "/opt/clock may not be on another computer"),
        ("MCP server clock", "/srv/clock may not be on another computer"),
    ]
