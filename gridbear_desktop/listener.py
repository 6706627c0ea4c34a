"""Where the server listens, and with which certificate: opened at start, opened anew when another choice was made."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gridbear_desktop import ports
from server import listening
from server.certificates import Certificate, own_certificate, self_made_certificate
from server.config import Settings, source_of
from server.data_folder import DataFolder
from server.errors import StartupError

BACKLOG = 2048
LOOK_SECONDS = 3600.0

log = logging.getLogger(__name__)


class Listener:
    """One bound socket and what is spoken on it. `close` at the end."""

    def __init__(self, options: Mapping[str, Any], folder: DataFolder) -> None:
        self._options = options
        self._folder = folder
        self._choice = listening.chosen(folder.run)
        self.warnings: list[str] = []
        wanted = self._wanted(self._choice)
        self.certificate, self.context = self._secured(wanted)
        self.socket = self._bind(wanted)
        port = int(self.socket.getsockname()[1])
        if port != wanted.port and wanted.port and not self._asked:
            self.warnings.append(f"Port {wanted.port} is taken; using {port}, also from now on.")
        self.settings = _given(wanted, port)

    @property
    def host_given_by(self) -> str:
        """`command line` or `environment` where that decides who can reach the server, else nothing."""
        source = source_of("host", self._options, os.environ, self._choice)
        return source if source in ("command line", "environment") else ""

    def follow_choice(self) -> bool:
        """Take over what was chosen since; the port stays. True when something changed.

        A choice that can't be carried out is undone, and the server goes on as it was.
        """
        choice = listening.chosen(self._folder.run)
        if choice == self._choice:
            return False
        before, self._choice = self._choice, choice
        port = self.settings.port
        try:
            wanted = self._wanted(choice)
            certificate, context = self._secured(wanted)
            self.socket.close()
            self.socket = self._bind_again(wanted.host, port)
        except StartupError as error:
            log.warning("the server goes on listening as before: %s", error.message)
            self._choice = before
            listening.choose(self._folder.run, before)
            self.socket.close()
            self.socket = self._bind_again(self.settings.host, port)
            return False
        self.certificate, self.context = certificate, context
        self.settings = _given(wanted, port)
        return True

    def _bind_again(self, host: str, port: int) -> socket.socket:
        bound = ports.bind_asked(host, port)
        # Whoever comes before the application has started again waits instead of being refused.
        bound.listen(BACKLOG)
        return bound

    def write_certificate(self) -> Path | None:
        """Put the certificate where the programs of this computer find it. None where there is none."""
        path = self._folder.certificate
        if self.certificate is None:
            path.unlink(missing_ok=True)
            return None
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(self.certificate.pem, "ascii")
        draft.replace(path)
        return path

    async def keep_certificate(self) -> None:
        """Look for a renewed certificate once an hour, for ever; new connections get it without a restart."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await asyncio.to_thread(self.renew_certificate)

    def renew_certificate(self) -> None:
        """Use the certificate that is there by now. One that can't be used changes nothing."""
        if self.context is None or self.certificate is None:
            return
        try:
            found = self._certificate(self.settings)
            if found.pem != self.certificate.pem:
                self.context.load_cert_chain(found.certificate_file, found.key_file)
                self.certificate = found
                self.write_certificate()
        except (StartupError, OSError) as error:
            log.warning("the certificate could not be renewed: %s", error)

    def close(self) -> None:
        self.socket.close()

    @property
    def _asked(self) -> bool:
        return source_of("port", self._options, os.environ, {}) != "default"

    def _wanted(self, choice: Mapping[str, str]) -> Settings:
        return Settings.load(self._options, stored=choice)

    def _bind(self, settings: Settings) -> socket.socket:
        if self._asked:
            return ports.bind_asked(settings.host, settings.port)
        run = self._folder.run
        bound = ports.bind_next_free(settings.host, settings.port, ports.remembered_port(run))
        ports.remember_port(run, int(bound.getsockname()[1]))
        return bound

    def _secured(self, settings: Settings) -> tuple[Certificate | None, ssl.SSLContext | None]:
        if settings.tls == "off":
            return None, None
        certificate = self._certificate(settings)
        return certificate, certificate.server_context()

    def _certificate(self, settings: Settings) -> Certificate:
        if settings.tls == "self-made":
            return self_made_certificate(self._folder.secrets, settings.host)
        for value, variable in ((settings.tls_certificate, "CERTIFICATE"), (settings.tls_key, "KEY")):
            if not value:
                raise StartupError(f"GRIDBEAR_TLS is `files`: name the file in GRIDBEAR_TLS_{variable} as well.")
        return own_certificate(Path(settings.tls_certificate), Path(settings.tls_key))


def _given(settings: Settings, port: int) -> Settings:
    # Naming them makes them count as given: a settings record must not contradict what is bound.
    return settings.model_copy(update={"host": settings.host, "port": port, "tls": settings.tls})
