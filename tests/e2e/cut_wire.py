"""A wire between browser and server that a test can cut: a relay for TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class CutWire:
    """Passes bytes between `url` and the port `to`. Use it as a context manager.

    cut(): every connection ends, and no new one begins until mend().
    lose_answers(): requests still reach the server, but connections end in place of the answers, until mend().
    """

    def __init__(self) -> None:
        self.to = 0
        self.is_cut = False
        self.losing = False
        self.ends: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = f"http://{self.host}"

    def __enter__(self) -> CutWire:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        end(self.listener)
        self.listener.close()
        self.cut()
        for one in self.ends:
            one.close()

    def cut(self) -> None:
        self.is_cut = True
        for one in list(self.ends):
            end(one)

    def lose_answers(self) -> None:
        self.losing = True

    def mend(self) -> None:
        self.is_cut = self.losing = False

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                self.ends.append(near)
                if self.is_cut:
                    end(near)
                    continue
                far = socket.create_connection(("127.0.0.1", self.to))
                self.ends.append(far)
                for pair in ((near, far, False), (far, near, True)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and self.losing:
                    break
                target.sendall(data)
        end(source)
        end(target)


def end(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
