"""`gridbear serve`: the server process, headless or as a child of the tray."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gc
import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from gridbear_desktop import ports, runfile
from gridbear_desktop.http_protocol import PatientProtocol, sweep
from gridbear_desktop.shutdown import Shutdown
from gridbear_desktop.streams import tell
from server import __version__
from server.config import Settings, source_of
from server.data_folder import DataFolder
from server.errors import GridBearError, StartupError
from server.log import configure_logging

GRACEFUL_SECONDS = 1
EXIT_CANNOT_START = 2
GARBAGE_THRESHOLD = 10_000

log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling: it raises the signal again afterwards, and no clean-up would run."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(options: Mapping[str, Any], watch_stdin: bool = False) -> int:
    """Serve until a signal, or with `watch_stdin` the end of stdin. Returns the exit code.

    options: settings given on the command line (data_dir, host, port), None where not given.
    """
    shutdown = Shutdown()
    shutdown.catch_signals()
    if watch_stdin:
        shutdown.watch_stdin()
    try:
        _serve_folder(options, shutdown)
    except GridBearError as error:
        # Requests are answered with theirs; one that comes here kept the server from starting.
        print(f"gridbear: {error.message}", file=sys.stderr, flush=True)
        return EXIT_CANNOT_START
    finally:
        shutdown.closed.set()
    return 0


def _serve_folder(options: Mapping[str, Any], shutdown: Shutdown) -> None:
    settings = Settings.load(options)
    configure_logging(settings.log_level)
    folder = DataFolder(settings.data_dir)
    warnings = folder.open()
    with folder.lock():
        asked = source_of("port", options, os.environ, {}) != "default"
        bound = _bind(settings, folder.run, asked)
        with bound:
            port = int(bound.getsockname()[1])
            if not asked and port != settings.port:
                warnings.append(f"Port {settings.port} is taken; using {port}, also from now on.")
            # Naming both makes them count as given: a settings record must not contradict what is bound.
            settings = settings.model_copy(update={"host": settings.host, "port": port})
            loop_factory = uvicorn.Config(_nothing, log_config=None).get_loop_factory()
            control_token = secrets.token_urlsafe(32)
            with contextlib.ExitStack() as stack:
                life = _Life(settings, folder, bound, shutdown, control_token, stack)
                again = True
                while again:
                    with asyncio.Runner(loop_factory=loop_factory) as runner:
                        again = runner.run(life.live(warnings))
                    warnings = []


def _bind(settings: Settings, run: Path, asked: bool) -> socket.socket:
    if asked:
        return ports.bind_asked(settings.host, settings.port)
    bound = ports.bind_next_free(settings.host, settings.port, ports.remembered_port(run))
    ports.remember_port(run, int(bound.getsockname()[1]))
    return bound


class _Life:
    """One server process, in which the application may live more than once: a restore starts it again.

    The socket stays open in between, so that nobody is refused; they wait.
    """

    def __init__(
        self,
        settings: Settings,
        folder: DataFolder,
        bound: socket.socket,
        shutdown: Shutdown,
        control_token: str,
        stack: contextlib.ExitStack,
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._bound = bound
        self._shutdown = shutdown
        self._control_token = control_token
        self._stack = stack
        self._told = False

    async def live(self, warnings: list[str]) -> bool:
        """Serve until the end is asked for. True when it is to start again."""
        # Takes most of the start-up time, and is not needed where the folder or the port is refused.
        from server.app import create_app

        # Its INFO lines tell of starting and stopping, which we say ourselves.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        app = create_app(self._settings, control_token=self._control_token)
        async with app.running():
            setup_link = await app.setup_link()
            if setup_link is not None and not self._settings.is_loopback:
                raise StartupError(
                    f"{self._settings.host} can be reached from other computers and there is no admin yet: "
                    "first run `gridbear user create NAME --admin`."
                )
            server = _Server(_uvicorn_config(app))

            def end() -> None:
                # It reports each request that it cuts off with a traceback.
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
                server.should_exit = True
                server.force_exit = self._shutdown.forced
                app.stop_streams()

            app.when_restart_is_asked = end
            self._shutdown.attach(asyncio.get_running_loop(), end)
            self._announce(warnings + app.warnings, setup_link)
            # What the start has made stays: looking through all of it for garbage, again and again, would take a
            # twentieth of the time of every request.
            gc.freeze()
            gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
            sweeper = asyncio.create_task(sweep(server.server_state.connections))
            try:
                await server.serve(sockets=[self._bound.dup()])
            finally:
                sweeper.cancel()
                gc.unfreeze()
        return not self._shutdown.requested

    def _announce(self, warnings: list[str], setup_link: str | None) -> None:
        if self._told:
            return
        self._told = True
        info = runfile.RunInfo(
            pid=os.getpid(),
            port=self._settings.port,
            host=self._settings.host,
            url=address(self._settings),
            control_token=self._control_token,
            started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            version=__version__,
        )
        # Connections wait in the backlog until uvicorn accepts them, so whoever reads the file gets an answer.
        self._bound.listen(2048)
        self._stack.enter_context(runfile.written(self._folder.run, info))
        _announce(self._settings, warnings, setup_link)


def _uvicorn_config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stands in for the app where only uvicorn's choice of event loop is wanted."""


def address(settings: Settings) -> str:
    """The address of the server as seen from this computer, base path included, without trailing slash."""
    host = settings.host
    if host in ("", "0.0.0.0"):
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.base_path}"


def _announce(settings: Settings, warnings: list[str], setup_link: str | None) -> None:
    for warning in warnings:
        tell(f"Warning: {warning}")
    if not settings.is_loopback:
        tell(
            f"Warning: other computers can reach this server on {settings.host}:{settings.port}, and plain HTTP is "
            "not encrypted: passwords and data can be read on the way. Use it in a network you trust, or behind a "
            "reverse proxy with TLS."
        )
    tell(f"GridBear {__version__} listens on {address(settings)}")
    if setup_link is not None:
        tell(f"Create the first admin with this link; it works once:\n  {setup_link}")
