"""`gridbear user`, `gridbear token`, `gridbear setup-link`, and where the other commands on data come in."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from server.cli.backup_commands import backup, restore_command
from server.cli.connect_commands import connect_command
from server.cli.data_commands import data
from server.cli.doctor_commands import doctor_command
from server.cli.lan_commands import lan
from server.cli.model_commands import models
from server.cli.openapi_command import openapi_command
from server.cli.options import EXIT_EXISTS, DataDir, Json, show
from server.cli.plugin_commands import plugin
from server.cli.secrets_commands import app as secrets
from server.cli.server_import_commands import import_servers_command
from server.cli.service_commands import service
from server.cli.transfer_commands import export_command, import_command
from server.errors import Conflict, ValidationFailed
from server.records.times import to_text

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from stdin, one line.")]

app = typer.Typer()
user = typer.Typer(help="People who may sign in.")
token = typer.Typer(help="Personal API tokens.")
app.add_typer(user, name="user")
app.add_typer(token, name="token")
app.add_typer(secrets, name="secrets")
app.add_typer(backup, name="backup")
app.add_typer(lan, name="lan")
app.add_typer(data, name="data")
app.add_typer(models, name="models")
app.add_typer(plugin, name="plugin")
app.add_typer(service, name="service")
app.command("restore")(restore_command)
app.command("doctor")(doctor_command)
app.command("openapi")(openapi_command)
app.command("connect")(connect_command)
app.command("export")(export_command)
app.command("import")(import_command)
app.command("import-servers")(import_servers_command)


@user.command("create")
def user_create(
    name: Annotated[str, typer.Argument(help="The username.")],
    admin: Annotated[bool, typer.Option("--admin", help="Make them an administrator.")] = False,
    display_name: Annotated[str | None, typer.Option("--display-name", help="The name that people read.")] = None,
    password_stdin: PasswordStdin = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Add a person. Exit code 3 when the name is taken; nothing is changed then."""
    parameters = {
        "username": name,
        "password": _password(password_stdin),
        "role": "admin" if admin else "member",
        "display_name": display_name,
    }
    result = _run("user-create", parameters, data_dir)
    typer.echo(json.dumps(result) if as_json else f"Created {result['role']} {result['username']}.")


@user.command("list")
def user_list(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Show who may sign in."""
    people = _run("user-list", {}, data_dir)["users"]
    if as_json:
        typer.echo(json.dumps(people))
        return
    for one in people:
        notes = [] if one["is_active"] else ["disabled"]
        notes += ["second factor"] if one["second_factor"] else []
        typer.echo(f"{one['username']}  {one['role']}{'  (' + ', '.join(notes) + ')' if notes else ''}")


@user.command("reset-password")
def user_reset_password(
    name: Annotated[str, typer.Argument(help="The username.")],
    password_stdin: PasswordStdin = False,
    remove_second_factor: Annotated[
        bool, typer.Option("--remove-second-factor", help="Let them sign in with the password alone.")
    ] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Set a new password; every session of the person ends. Works whenever the data folder is yours."""
    parameters = {
        "username": name,
        "password": _password(password_stdin),
        "remove_second_factor": remove_second_factor or None,
    }
    result = _run("user-reset-password", parameters, data_dir)
    lines = [f"{result['username']} has a new password; all their sessions have ended."]
    if result["second_factor"]:
        lines.append("Signing in still needs the code of their app; --remove-second-factor ends that.")
    show(result, as_json, *lines)


@token.command("create")
def token_create(
    username: Annotated[str, typer.Argument(help="Whose token it is.")],
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "command line",
    scope: Annotated[
        list[str] | None,
        typer.Option("--scope", help="api, api:read, mcp, api:MODEL or api:read:MODEL; more than once."),
    ] = None,
    expires: Annotated[str | None, typer.Option("--expires", help="A moment such as 2027-01-31.")] = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Make a personal API token. The secret stands alone on the last line and is never shown again."""
    parameters = {"username": username, "name": name, "scopes": scope, "expires_at": _moment(expires)}
    result = _run("token-create", parameters, data_dir)
    if as_json:
        typer.echo(json.dumps(result))
        return
    typer.echo(f"Token {result['name']} of {username}, scopes {', '.join(result['scopes'])}:", err=True)
    typer.echo(result["token"])


@app.command("setup-link")
def setup_link(data_dir: DataDir = None, as_json: Json = False) -> None:
    """Print a fresh link that makes the first admin. It works once, on this computer."""
    result = _run("setup-link", {}, data_dir)
    show(result, as_json, result["url"])


def _run(name: str, parameters: dict[str, Any], data_dir: Path | None) -> dict[str, Any]:
    # The whole server; `--help` can do without.
    from server.cli.reach import run_operation

    try:
        return run_operation(name, {key: value for key, value in parameters.items() if value is not None}, data_dir)
    except Conflict as error:
        typer.echo(f"gridbear: {error.message}", err=True)
        raise typer.Exit(EXIT_EXISTS if error.code == "exists" else 1) from None


def _password(from_stdin: bool) -> str:
    if from_stdin:
        line = sys.stdin.readline()
        return line.rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ValidationFailed("There is no terminal to ask for the password: use --password-stdin.")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _moment(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValidationFailed("--expires: a moment like 2027-01-31 or 2027-01-31T12:00:00Z is wanted") from None
    return to_text(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
