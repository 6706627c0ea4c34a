"""Definitions of models where the data is: through the running server, or on the folder when none runs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from server.access.actor import OWNER
from server.cli.running import RunningServer
from server.cli.server_or_folder import OpenFolder, server_or_folder
from server.records.definitions_file import DefinitionsFile

_ADDRESS = "/api/v1/server/model-definitions"


class ModelDoor:
    """The caller is the machine's owner, who passes every rule."""

    def __init__(self, place: RunningServer | OpenFolder) -> None:
        self._place = place

    def written(self, names: str) -> dict[str, Any]:
        """The file of the models of these names, with commas; of all without. Raises NotFound."""
        if isinstance(self._place, RunningServer):
            return self._place.ask(f"{_ADDRESS}?{urlencode({'models': names})}")
        chosen = frozenset(name for name in names.split(",") if name) or None
        return _file(self._place).written(OWNER, chosen)

    def taken_over(self, given: Mapping[str, Any], *, dry_run: bool, confirmed: bool) -> list[dict[str, Any]]:
        """What happens to each model, as REST tells it. Raises ValidationFailed, Conflict."""
        if isinstance(self._place, RunningServer):
            query = urlencode({"dry_run": str(dry_run).lower(), "confirm": str(confirmed).lower()})
            # A model with many records takes its time.
            answer = self._place.ask(f"{_ADDRESS}?{query}", json.dumps(given).encode(), timeout=None)
            steps: list[dict[str, Any]] = answer["data"]
            return steps
        file = _file(self._place)
        doing = file.plan(OWNER, given) if dry_run else file.take_over(OWNER, given, confirmed=confirmed)
        return [asdict(step) for step in self._place.runner.run(doing)]


@contextlib.contextmanager
def model_door(data_dir: Path | None) -> Iterator[ModelDoor]:
    """The door to a data folder. Raises NotFound, StartupError."""
    with server_or_folder(data_dir) as place:
        yield ModelDoor(place)


def _file(folder: OpenFolder) -> DefinitionsFile:
    return DefinitionsFile(folder.app.own_models, folder.app.records.registry)
