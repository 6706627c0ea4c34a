"""`gridbear lan`: whether other computers may come in."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from server.cli.options import DataDir, Json, show

lan = typer.Typer(help="Let other computers of the network in.")


@lan.command("on")
def lan_on(
    plain_http: Annotated[
        bool, typer.Option("--plain-http", help="Without encryption: others in the network can read along.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Let other computers in, by https with a certificate made here. A running server starts again."""
    from server.cli.reach import run_operation  # the whole server; `--help` can do without

    result = run_operation("lan-on", {"encryption": "off" if plain_http else "self-made"}, data_dir)
    show(
        result,
        as_json,
        f"Other computers may come in. On this computer GridBear is at {result['here']}",
        "`gridbear lan status` shows the address for the others, once the server runs.",
    )


@lan.command("off")
def lan_off(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Be there for this computer alone. A running server starts again."""
    from server.cli.reach import run_operation  # as above

    result = run_operation("lan-off", {}, data_dir)
    show(result, as_json, f"Only this computer can reach GridBear now, at {result['here']}")


@lan.command("status")
def lan_status(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show whether other computers may come in, and at which address."""
    from server.cli.reach import run_operation  # as above

    state = run_operation("lan-state", {}, data_dir)
    show(state, as_json, *_lines(state))


def _lines(state: dict[str, Any]) -> list[str]:
    if not state["on"]:
        return ["Only this computer can reach GridBear.", *(f"First: {one['message']}" for one in state["missing"])]
    lines = ["Other computers reach GridBear at:", *(f"  {address}" for address in state["addresses"])]
    if state["fingerprint"]:
        lines.append(f"SHA-256 of its certificate: {state['fingerprint']}")
    if state["encryption"] == "off":
        lines.append("Plain http is not encrypted: others in the network can read along.")
    if state["first_visitor_at"] is None:
        lines.append("Nobody came from another computer since the start. If they can't:")
        lines += [f"  {part}" for part in (state["firewall"]["text"], state["firewall"]["command"]) if part]
    return lines
