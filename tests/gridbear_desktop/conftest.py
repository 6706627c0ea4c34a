"""A data folder with its `gridbear` processes, and a screen for them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from gridbear_process import Gridbear, wait_for
from screens import end, found
from test_tray import FakeLauncher
from window_site import Site, serving


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the processes of a failed test said is shown with it: they were alone with a busy machine."""
    report = yield
    processes = getattr(item, "funcargs", {}).get("gridbear")
    if report.failed and report.when == "call" and isinstance(processes, Gridbear):
        report.sections.extend(processes.said())
    return report


@pytest.fixture
def gridbear(tmp_path: Path) -> Iterator[Gridbear]:
    processes = Gridbear(tmp_path / "data")
    yield processes
    processes.end()


BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><auth>EXTERNAL</auth><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"""
"""It starts no services: those of the computer that the tests run on would answer."""


@pytest.fixture
def bus_daemon(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A session bus, and its address."""
    (tmp_path / "bus.conf").write_text(BUS, "utf-8")
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={tmp_path / 'bus.conf'}", "--nofork", "--print-address"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert bus.stdout is not None
    yield bus, bus.stdout.readline().strip()
    end(bus)


@pytest.fixture
def screen(gridbear: Gridbear, bus_daemon: tuple[subprocess.Popen[str], str]) -> Iterator[Gridbear]:
    """`gridbear` on an X server and a session bus of its own."""
    with ExitStack() as stack:
        reading, writing = os.pipe()
        # It chooses a free display and writes its number. Without -noreset it would start anew, and drop whoever is
        # connecting, each time its last client leaves.
        xvfb = subprocess.Popen(
            ["Xvfb", "-noreset", "-displayfd", str(writing), "-screen", "0", "1400x1000x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        stack.callback(end, xvfb)
        os.close(writing)
        with os.fdopen(reading) as number:
            display = f":{number.readline().strip()}"
        gridbear.env.update(
            DISPLAY=display,
            DBUS_SESSION_BUS_ADDRESS=bus_daemon[1],
            GDK_BACKEND="x11",
            NO_AT_BRIDGE="1",
            BROWSER="true",  # a window that is killed opens one
            XDG_CONFIG_HOME=str(gridbear.data_dir.parent / "config"),
        )
        yield gridbear


@pytest.fixture
def panel(screen: Gridbear) -> Iterator[Gridbear]:
    """A screen with a panel that takes tray icons."""
    process = subprocess.Popen(
        ["trayer", "--widthtype", "pixel", "--width", "200"], env=screen.env, stderr=subprocess.DEVNULL
    )
    wait_for(lambda: found(screen, "--class", "trayer"), "the panel")
    yield screen
    end(process)


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as server:
        yield server


@pytest.fixture
def host(bus_daemon: tuple[subprocess.Popen[str], str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A `StatusHost`: a desktop without a panel yet, on the session bus of this process."""
    from status_host import StatusHost  # needs D-Bus, which is of Linux alone

    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus_daemon[1])
    monkeypatch.delenv("XDG_CURRENT_DESKTOP", raising=False)
    desktop = StatusHost(bus_daemon[1])
    yield desktop
    desktop.close()


@pytest.fixture
def launcher() -> FakeLauncher:
    return FakeLauncher()


@pytest.fixture
def shown(host: Any, launcher: FakeLauncher) -> Iterator[Any]:
    """A view (`shown_item.Shown`) whose icon a panel shows."""
    from shown_item import running  # needs D-Bus too

    host.appear()
    with running(launcher) as view:
        host.until(lambda: host.items, "the registration")
        yield view
