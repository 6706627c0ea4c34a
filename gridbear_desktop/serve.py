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
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

import uvicorn

from gridbear_desktop import crash_report, log_files, ports, runfile
from gridbear_desktop.discovery import announced
from gridbear_desktop.http_protocol import sweep
from gridbear_desktop.http_server import HttpServer
from gridbear_desktop.listener import BACKLOG, Listener
from gridbear_desktop.shutdown import Shutdown
from gridbear_desktop.streams import tell
from server import __version__, data_move
from server.config import Settings, mistyped_variables
from server.data_folder import DataFolder
from server.errors import GridBearError, StartupError
from server.log import configure_logging
from server.this_computer import lan_names, resource_dir

EXIT_CANNOT_START = 2
GARBAGE_THRESHOLD = 10_000

log = logging.getLogger(__name__)


def serve(options: Mapping[str, Any], watch_stdin: bool = False) -> int:
    """Serve until a signal, or with `watch_stdin` the end of stdin. Returns the exit code.

    options: settings given on the command line (data_dir, host, port), None where not given.
    """
    shutdown = Shutdown()
    shutdown.catch_signals()
    if watch_stdin:
        shutdown.watch_stdin()
    try:
        port = _serve_folder(options, shutdown)
        while port is not None:
            port = _serve_folder({**options, "port": port}, shutdown, just_moved=True)
    except GridBearError as error:
        # Requests are answered with theirs; one that comes here kept the server from starting.
        print(f"gridbear: {error.message}", file=sys.stderr, flush=True)
        return EXIT_CANNOT_START
    finally:
        shutdown.closed.set()
    return 0


def _serve_folder(options: Mapping[str, Any], shutdown: Shutdown, *, just_moved: bool = False) -> int | None:
    """Serve the data folder until the end. Its port when it was moved and is to be served from its new place."""
    settings = Settings.load(options)
    configure_logging(settings.log_level)
    folder = DataFolder(settings.data_dir)
    warnings = folder.open()
    if not just_moved:
        warnings += mistyped_variables(os.environ, (resource_dir("plugins"), folder.plugins))
    file = folder.logs / settings.log_file if settings.log_file else None
    configure_logging(settings.log_level, file, log_files.of_stderr(folder.logs / log_files.SERVER_LOG))
    with (
        folder.lock(),
        crash_report.kept(folder.logs, told=GridBearError),
        contextlib.closing(Listener(options, folder)) as listener,
    ):
        loop_factory = uvicorn.Config(_nothing, log_config=None).get_loop_factory()
        with contextlib.ExitStack() as stack:
            life = _Life(listener, folder, shutdown, secrets.token_urlsafe(32), stack, clears=not just_moved)
            again = True
            while again:
                with asyncio.Runner(loop_factory=loop_factory) as runner:
                    again = runner.run(life.live(warnings + listener.warnings))
                warnings = listener.warnings = []
                if again:
                    # The next start is frozen out of the garbage collection, and would take the old one along.
                    gc.collect()
                    moved, problem = data_move.move_as_asked(folder)
                    if moved:
                        return listener.settings.port
                    if problem:
                        log.warning("the data folder was not moved: %s", problem)
                if again and listener.follow_choice():
                    life.tell_again()
    return None


class _Life:
    """One server process, in which the application may live more than once: a restore starts it again.

    The socket stays open in between, so that nobody is refused; they wait.
    """

    def __init__(
        self,
        listener: Listener,
        folder: DataFolder,
        shutdown: Shutdown,
        control_token: str,
        stack: contextlib.ExitStack,
        *,
        clears: bool,
    ) -> None:
        """clears: a good start removes the files that a move left in the former place."""
        self._listener = listener
        self._folder = folder
        self._shutdown = shutdown
        self._control_token = control_token
        self._stack = stack
        self._told = False
        self._clears = clears
        self._safe_mode_left = False

    @property
    def _settings(self) -> Settings:
        settings = self._listener.settings
        return settings.model_copy(update={"safe_mode": False}) if self._safe_mode_left else settings

    def tell_again(self) -> None:
        """Write the run file anew: the address has changed, or safe mode was left."""
        self._told = False

    async def live(self, warnings: list[str]) -> bool:
        """Serve until the end is asked for. True when it is to start again."""
        # Takes most of the start-up time, and is not needed where the folder or the port is refused.
        from server.app import create_app

        # Its INFO lines tell of starting and stopping, which we say ourselves.
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        listener, settings = self._listener, self._settings
        app = create_app(settings, control_token=self._control_token, host_given_by=listener.host_given_by)
        async with app.running():
            setup_link = await app.setup_link()
            if setup_link is not None and not settings.is_loopback:
                raise StartupError(
                    f"{settings.host} can be reached from other computers and there is no admin yet: "
                    "first run `gridbear user create NAME --admin`."
                )
            server = HttpServer(app, listener.context)
            public = _public_server(app, settings)

            def end() -> None:
                # It reports each request that it cuts off with a traceback.
                logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
                server.should_exit = True
                server.force_exit = self._shutdown.forced
                if public is not None:
                    public.server.should_exit = True
                    public.server.force_exit = self._shutdown.forced
                app.stop_streams()

            app.when_restart_is_asked = end
            self._shutdown.attach(asyncio.get_running_loop(), end)
            self._announce(warnings + app.warnings, setup_link)
            # What the start has made stays: looking through all of it for garbage, again and again, would take a
            # twentieth of the time of every request.
            gc.freeze()
            gc.set_threshold(GARBAGE_THRESHOLD, 20, 50)
            gc.enable()
            helpers = [
                asyncio.create_task(sweep(server.server_state.connections)),
                asyncio.create_task(listener.keep_certificate()),
            ]
            if public is not None:
                helpers.append(asyncio.create_task(sweep(public.server.server_state.connections)))
            try:
                async with announced(settings):
                    serving = [server.serve(sockets=[listener.socket.dup()])]
                    if public is not None:
                        serving.append(public.server.serve(sockets=[public.socket]))
                    await asyncio.gather(*serving)
            finally:
                for helper in helpers:
                    helper.cancel()
                gc.unfreeze()
        if app.safe_mode_left:
            self._safe_mode_left = True
            self.tell_again()
        return not self._shutdown.requested

    def _announce(self, warnings: list[str], setup_link: str | None) -> None:
        if self._told:
            return
        self._told = True
        settings, certificate = self._listener.settings, self._listener.write_certificate()
        info = runfile.RunInfo(
            pid=os.getpid(),
            port=settings.port,
            host=settings.host,
            url=settings.address,
            control_token=self._control_token,
            started_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            version=__version__,
            certificate=str(certificate or ""),
            safe_mode=self._settings.safe_mode,
            of_tray=self._shutdown.follows_stdin,
        )
        # Connections wait in the backlog until uvicorn accepts them, so whoever reads the file gets an answer.
        self._listener.socket.listen(BACKLOG)
        self._stack.enter_context(runfile.written(self._folder.run, info))
        _announce(self._listener, warnings, setup_link, self._settings.safe_mode)
        if self._clears:
            threading.Thread(target=_clear_former, args=(self._folder,), name="former-place", daemon=True).start()


def _clear_former(folder: DataFolder) -> None:
    for warning in data_move.clear_former(folder.path):
        log.warning("%s", warning)


class _Public(NamedTuple):
    """The second listener, for plugins with public_api alone."""

    server: HttpServer
    socket: socket.socket


def _public_server(app: Any, settings: Settings) -> _Public | None:
    """The server of the public port, bound on this computer alone; None without one. Raises StartupError."""
    if not settings.public_port:
        return None
    bound = ports.bind_asked("127.0.0.1", settings.public_port, "GRIDBEAR_PUBLIC_PORT")
    tell(f"Plugins with public_api are also on http://127.0.0.1:{settings.public_port}, the port for a tunnel.")
    return _Public(HttpServer(app.public), bound)


async def _nothing(_scope: Any, _receive: Any, _send: Any) -> None:
    """Stands in for the app where only uvicorn's choice of event loop is wanted."""


def _announce(listener: Listener, warnings: list[str], setup_link: str | None, safe_mode: bool) -> None:
    settings = listener.settings
    for warning in warnings:
        tell(f"Warning: {warning}")
    if safe_mode:
        tell("Safe mode: no plugin, MCP server and schedule runs. A restart, or the button in the UI, ends it.")
    if not settings.is_loopback and settings.tls == "off":
        tell(
            f"Warning: other computers can reach this server on {settings.host}:{settings.port}, and plain HTTP is "
            "not encrypted: passwords and data can be read on the way. Use it in a network you trust, switch "
            "encryption on (GRIDBEAR_TLS=self-made), or use a reverse proxy with TLS."
        )
    tell(f"GridBear {__version__} listens on {settings.address}")
    if not settings.is_loopback:
        names = sorted(settings.address_at(name.strip("[]")) for name in lan_names(settings.host))
        tell("Other computers reach it at:" + "".join(f"\n  {name}" for name in names))
    if listener.certificate is not None:
        tell(f"SHA-256 of its certificate: {listener.certificate.fingerprint}")
    if setup_link is not None:
        tell(f"Create the first admin with this link; it works once:\n  {setup_link}")
