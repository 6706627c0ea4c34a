"""API tokens that stand in the files of AI clients: made for them, and ended with their entries."""

from __future__ import annotations

import json
from pathlib import Path

from server.access.actor import OWNER
from server.cli.reach import run_operation
from server.cli.running import RunningServer
from server.cli.server_or_folder import server_or_folder
from server.errors import GridBearError, NotFound
from server.this_computer import computer_name


def make_token(data_dir: Path, label: str, user: str | None) -> tuple[int, str]:
    """A token with the scope `mcp`, of `user` or the first admin: its id and itself. Raises NotFound."""
    name = user or _first_admin(data_dir)
    parameters = {"username": name, "name": f"{label} on {computer_name()}", "scopes": ["mcp"]}
    made = run_operation("token-create", parameters, data_dir)
    return int(made["id"]), str(made["token"])


def end_token(data_dir: Path, token_id: int) -> bool:
    """Delete a token; one that has gone already is as good as ended. False when that is refused."""
    deed = {"verb": "delete", "model": "api_tokens", "id": token_id}
    try:
        with server_or_folder(data_dir) as place:
            if isinstance(place, RunningServer):
                place.ask("/api/v1/batch", json.dumps({"operations": [deed]}).encode())
            else:
                place.runner.run(place.app.records.delete(OWNER, "api_tokens", token_id))
    except NotFound:
        return True
    except GridBearError:
        return False
    return True


def _first_admin(data_dir: Path) -> str:
    for one in run_operation("user-list", {}, data_dir)["users"]:
        if one["role"] == "admin" and one["is_active"]:
            return str(one["username"])
    raise NotFound("There is no admin: set GridBear up first, or name somebody with --user.")
