"""`gridbear serve` as a real process: start, refusal, end."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gridbear_process import Gridbear, wait_for

from gridbear_desktop import ports

pytestmark = pytest.mark.slow

END_SECONDS = 8.0


def test_it_serves_with_stdin_closed(gridbear: Gridbear) -> None:
    command = gridbear.command("serve", "--data-dir", str(gridbear.data_dir), "--port", "0")
    process = gridbear.popen(["sh", "-c", 'exec "$@" <&-', "sh", *command], stdin=None)
    gridbear.ready(process)
    process.terminate()
    assert process.wait(END_SECONDS) == 0


def test_it_survives_when_nobody_reads_its_output(gridbear: Gridbear) -> None:
    command = gridbear.command("serve", "--data-dir", str(gridbear.data_dir), "--port", "0")
    process = gridbear.popen(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command], stdin=None)
    gridbear.ready(process)
    process.terminate()
    assert process.wait(END_SECONDS) == 0


def test_the_end_of_stdin_ends_the_trays_child_only(gridbear: Gridbear) -> None:
    process = gridbear.serve("--port", "0", "--watch-stdin", stdin=subprocess.PIPE)
    gridbear.ready(process)
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(END_SECONDS) == 0


def test_it_prints_address_and_set_up_link(gridbear: Gridbear) -> None:
    process = gridbear.serve("--port", "0")
    info = gridbear.ready(process)
    process.terminate()
    out, _ = process.communicate(timeout=END_SECONDS)
    assert f"listens on {info['url']}" in out
    assert f"{info['url']}/auth/setup?token=" in out


def test_the_set_up_link_is_gone_once_there_is_an_admin(gridbear: Gridbear) -> None:
    gridbear.create_user("maja")
    process = gridbear.serve("--port", "0")
    gridbear.ready(process)
    process.terminate()
    out, _ = process.communicate(timeout=END_SECONDS)
    assert "/auth/setup" not in out


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_run_file_is_private_and_gone_at_the_end(gridbear: Gridbear) -> None:
    process = gridbear.serve("--port", "0")
    info = gridbear.ready(process)
    run = gridbear.data_dir / "run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE((run / "server.json").stat().st_mode) == 0o600
    assert info["pid"] == process.pid and info["host"] == "127.0.0.1"
    process.terminate()
    assert process.wait(END_SECONDS) == 0
    assert not (run / "server.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_soon_with_requests_in_flight(gridbear: Gridbear, number: signal.Signals) -> None:
    process = gridbear.serve("--port", "0")
    port = gridbear.ready(process)["port"]
    with contextlib.ExitStack() as open_connections:
        for request in (
            b"",
            b"POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: 1000\r\n\r\nusername=" % port,
            b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port,
        ):
            connection = open_connections.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(request)
        assert connection.recv(9) == b"HTTP/1.1 "
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(10) == 0
        assert time.monotonic() - started < END_SECONDS
    _, err = process.communicate()
    assert "Traceback" not in err


def test_the_next_free_port_is_used_shown_and_remembered(gridbear: Gridbear) -> None:
    with contextlib.ExitStack() as holder:
        with contextlib.suppress(OSError):
            # When somebody else has it already, that serves as well.
            holder.enter_context(ports.bind("127.0.0.1", 8088)).listen()
        process = gridbear.serve()
        info = gridbear.ready(process)
        assert info["port"] != 8088
        process.terminate()
        out, _ = process.communicate(timeout=END_SECONDS)
        assert f"Port 8088 is taken; using {info['port']}" in out
    again = gridbear.serve()
    assert gridbear.ready(again)["port"] == info["port"]


def test_a_port_that_was_asked_for_and_is_taken_is_refused(gridbear: Gridbear) -> None:
    with ports.bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is in use" in gridbear.refused("--port", str(port))
    assert not (gridbear.data_dir / "gridbear.db").exists()


@pytest.mark.parametrize(("option", "value"), [("--port", "70000"), ("--host", "192.0.2.1")])
def test_an_impossible_address_is_refused_by_name(gridbear: Gridbear, option: str, value: str) -> None:
    assert option in gridbear.refused(option, value)


def test_a_second_server_on_the_same_folder_refuses(gridbear: Gridbear) -> None:
    first = gridbear.serve("--port", "0")
    gridbear.ready(first)
    assert "Another GridBear already uses" in gridbear.refused("--port", "0")
    assert gridbear.ready(first)


def test_a_folder_that_cant_be_written_is_refused(gridbear: Gridbear, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"mine")
    gridbear.data_dir = file / "data"
    assert "can't be written" in gridbear.refused("--port", "0")
    assert file.read_bytes() == b"mine"


def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(gridbear: Gridbear) -> None:
    gridbear.data_dir.mkdir()
    content = b"This is a shopping list, not a database. " * 100
    (gridbear.data_dir / "gridbear.db").write_bytes(content)
    assert "gridbear.db" in gridbear.refused("--port", "0")
    assert (gridbear.data_dir / "gridbear.db").read_bytes() == content


def test_a_database_of_a_newer_version_is_refused_and_stays_as_it_is(gridbear: Gridbear) -> None:
    gridbear.data_dir.mkdir()
    database = gridbear.data_dir / "gridbear.db"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    connection.execute("PRAGMA user_version = 1000000")
    connection.commit()
    connection.close()
    content = database.read_bytes()
    assert "newer" in gridbear.refused("--port", "0")
    assert database.read_bytes() == content


def test_lan_mode_waits_for_an_admin_and_warns(gridbear: Gridbear) -> None:
    assert "gridbear user create" in gridbear.refused("--host", "0.0.0.0", "--port", "0")
    gridbear.create_user("maja")
    process = gridbear.serve("--host", "0.0.0.0", "--port", "0")
    info = gridbear.ready(process)
    assert info["url"] == f"http://127.0.0.1:{info['port']}"
    process.terminate()
    out, _ = process.communicate(timeout=END_SECONDS)
    assert "not encrypted" in out


def test_without_a_display_gridbear_says_so_and_serves(gridbear: Gridbear) -> None:
    process = gridbear.popen(gridbear.command("--data-dir", str(gridbear.data_dir), "--port", "0"))
    gridbear.ready(process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 0
    assert "There is no display here" in out and "listens on http://127.0.0.1:" in out


def test_a_killed_server_leaves_a_folder_that_the_next_one_takes_over(gridbear: Gridbear) -> None:
    first = gridbear.serve("--port", "0")
    gridbear.ready(first)
    first.kill()
    first.wait()
    second = gridbear.serve("--port", "0")
    info: dict[str, Any] = wait_for(lambda: gridbear.ready(second), "a second server")
    assert info["pid"] == second.pid


def test_a_forgotten_password_is_set_anew_with_the_server_running_or_not(gridbear: Gridbear) -> None:
    gridbear.create_user("maja")
    unknown = gridbear.cli("user", "reset-password", "mara", "--password-stdin", stdin="another calm bear\n")
    assert unknown.returncode == 1 and "no user 'mara'" in unknown.stderr
    short = gridbear.cli("user", "reset-password", "maja", "--password-stdin", stdin="short\n")
    assert short.returncode == 1 and "password" in short.stderr
    for running in (False, True):
        if running:
            gridbear.ready(gridbear.serve("--port", "0"))
        done = gridbear.cli("user", "reset-password", "maja", "--password-stdin", stdin="another calm bear\n")
        assert done.returncode == 0 and "sessions have ended" in done.stdout, done.stderr
    assert gridbear.cli("user", "list").stdout == "maja  admin\n"


def test_the_public_port_serves_public_plugins_alone_and_finds_itself(gridbear: Gridbear) -> None:
    with ports.bind("127.0.0.1", 0) as free:
        public = int(free.getsockname()[1])
    gridbear.env |= {"GRIDBEAR_PUBLIC_PORT": str(public), "GRIDBEAR_PUBLIC_URL": f"http://127.0.0.1:{public}"}
    gridbear.create_user("maja")
    process = gridbear.serve("--port", "0")
    info = gridbear.ready(process)
    assert httpx2.get(f"http://127.0.0.1:{public}/healthz").status_code == 404
    assert httpx2.post(f"http://127.0.0.1:{public}/api/webhook-inbox/").status_code == 401
    answer = httpx2.post(
        f"{info['url']}/api/v1/plugins/public-address/test",
        headers={"authorization": f"Bearer {info['control_token']}"},
    )
    assert answer.json()["data"]["reached"] is True, answer.text
    process.terminate()
    assert process.wait(END_SECONDS) == 0


def test_a_public_port_that_is_taken_is_named(gridbear: Gridbear) -> None:
    with ports.bind("127.0.0.1", 0) as taken:
        taken.listen()
        gridbear.env["GRIDBEAR_PUBLIC_PORT"] = str(taken.getsockname()[1])
        assert "GRIDBEAR_PUBLIC_PORT" in gridbear.refused("--port", "0")


def test_a_mistyped_variable_is_warned_of_once_and_the_server_starts(gridbear: Gridbear) -> None:
    gridbear.env["GRIDBEAR_LOGLEVEL"] = "debug"
    process = gridbear.serve("--port", "0")
    gridbear.ready(process)
    process.terminate()
    out, _ = process.communicate(timeout=END_SECONDS)
    warned = "Warning: The variable GRIDBEAR_LOGLEVEL does nothing; GRIDBEAR_LOG_LEVEL is a setting. Is that meant?"
    assert out.count(warned) == 1
