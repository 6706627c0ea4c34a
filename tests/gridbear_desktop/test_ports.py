"""Binding the port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gridbear_desktop import ports
from server.errors import StartupError


def port_of(bound: socket.socket) -> int:
    return int(bound.getsockname()[1])


def test_the_socket_names_tcp_so_that_asyncio_turns_nagle_off() -> None:
    with ports.bind("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP
        assert not bound.get_inheritable()


def test_a_taken_default_port_leads_to_another_one() -> None:
    with ports.bind("127.0.0.1", 0) as first:
        first.listen()
        with ports.bind_next_free("127.0.0.1", port_of(first)) as second:
            assert port_of(second) != port_of(first)


def test_the_remembered_port_comes_before_the_default() -> None:
    with ports.bind("127.0.0.1", 0) as free:
        remembered = port_of(free)
    with ports.bind_next_free("127.0.0.1", 8088, remembered) as bound:
        assert port_of(bound) == remembered


def test_a_taken_port_that_was_asked_for_is_refused_by_name() -> None:
    with ports.bind("127.0.0.1", 0) as first:
        first.listen()
        with pytest.raises(StartupError, match=f"Port {port_of(first)} on 127.0.0.1 is in use"):
            ports.bind_asked("127.0.0.1", port_of(first))


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_this_computer_is_refused_by_name(host: str) -> None:
    with pytest.raises(StartupError, match=f"{host} is no address of this computer"):
        ports.bind_asked(host, 0)


def test_a_port_is_remembered(tmp_path: Path) -> None:
    assert ports.remembered_port(tmp_path) is None
    ports.remember_port(tmp_path, 8091)
    assert ports.remembered_port(tmp_path) == 8091


@pytest.mark.parametrize("content", ["", "bear", "0", "70000", "-1"])
def test_a_spoilt_port_file_is_ignored(tmp_path: Path, content: str) -> None:
    (tmp_path / "port").write_text(content, "ascii")
    assert ports.remembered_port(tmp_path) is None
