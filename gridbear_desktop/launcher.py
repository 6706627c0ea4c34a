"""`gridbear`: the tray process. It keeps the server running and opens the window when asked."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
import webbrowser
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from gridbear_desktop import activation, control, crash_report, desktop_actions, display
from gridbear_desktop.autostart import Autostart
from gridbear_desktop.backup_child import make_backup
from gridbear_desktop.desktop_notices import DesktopNotices
from gridbear_desktop.instance import Instance
from gridbear_desktop.log_files import own_log
from gridbear_desktop.streams import tell
from gridbear_desktop.supervisor import START_SECONDS, State, Supervisor
from gridbear_desktop.tray import view_of
from gridbear_desktop.tray_model import BACKUPS_PAGE, TrayModel
from gridbear_desktop.tray_view import TrayLost, View
from gridbear_desktop.window_keeper import WindowKeeper
from server.data_folder import DataFolder
from server.data_location import followed
from server.data_place import chosen
from server.errors import StartupError

POLL_SECONDS = 0.3
LOGIN_ATTEMPTS = 5
LAST_RESORT_SECONDS = 15.0
PANEL_SECONDS = 5.0
"""How long a start without window, such as at a sign-in, waits for a panel that starts beside it; and how often one
is looked for later.
"""

log = logging.getLogger(__name__)


def launch(options: Mapping[str, Any], minimized: bool = False) -> int:
    """Run tray and window, or the server alone where there is no display. Returns the exit code."""
    if not display.has_display():
        tell("There is no display here: GridBear runs without tray and window. Ctrl+C ends it.")
        from gridbear_desktop.serve import serve  # the server's libraries, which the tray process does without

        return serve(options)
    try:
        folder = DataFolder(chosen(options.get("data_dir")))
        for warning in folder.open():
            tell(f"Warning: {warning}")
    except StartupError as error:
        tell(f"gridbear: {error.message}")
        return 2
    instance = Instance(folder.run, display.session())
    if not instance.acquire():
        instance.ask_to_show(activation.taken(os.environ))
        if not instance.takes_its_place():
            tell("GridBear is running already: it shows its window.")
            return 0
    try:
        with crash_report.kept(folder.logs, crash_report.TRAY_FILE_NAME):
            return Launcher(folder, options, instance, minimized).run()
    finally:
        instance.release()


class Launcher:
    """Server, window and tray of one data folder, until `quit`."""

    def __init__(self, folder: DataFolder, options: Mapping[str, Any], instance: Instance, minimized: bool) -> None:
        self._folder = folder
        self._instance = instance
        self._minimized = minimized
        self._quitting = threading.Event()
        self._done = threading.Event()
        self._browser_wanted = False
        token = activation.taken(os.environ)
        # At a sign-in nobody waits for a window; later it would be too old.
        self._token = "" if minimized else token
        self._view: View | None = None
        self._has_tray = False
        self._server = Supervisor(folder.run, folder.logs, options, self._changed, is_guest=instance.is_guest)
        self._window = WindowKeeper(folder.path, self._server, self._login_url, self._nothing_shown)
        self._autostart = Autostart(options.get("data_dir") or os.environ.get("GRIDBEAR_DATA_DIR") or None)
        self._autostart.mend()
        self.starts_at_login = self._autostart.is_on
        self.can_copy = desktop_actions.clipboard_command() is not None

    @property
    def state(self) -> State:
        return self._server.state

    @property
    def address(self) -> str:
        info = self._server.info
        return info.url if info else ""

    @property
    def problem(self) -> str:
        return self._server.problem

    @property
    def upgrade(self) -> str:
        return self._server.upgrade

    @property
    def last_lines(self) -> list[str]:
        return self._server.last_lines

    @property
    def adopted(self) -> bool:
        return self._server.adopted

    @property
    def safe_mode(self) -> bool:
        info = self._server.info
        return info is not None and info.safe_mode

    def run(self) -> int:
        """Run until quit. Returns the exit code."""
        self._log_to_file()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signalled)
        # The server first: a tray that hangs must never keep it from running.
        self._server.start()
        backend = self._tray_backend()
        self._has_tray = backend is not None
        threading.Thread(target=self._begin, name="begin", daemon=True).start()
        threading.Thread(target=self._watch, name="watch", daemon=True).start()
        notices = DesktopNotices(lambda: self._server.info, self._notice, self._quitting)
        threading.Thread(target=notices.follow, name="notices", daemon=True).start()
        if backend is None:
            tell("No tray takes icons here: GridBear opens its window, and ends when that is closed.")
        else:
            self._run_tray(backend)
        next_look = 0.0
        # A wait without end would not let Python run its signal handlers on every system.
        while not self._done.wait(POLL_SECONDS):
            if time.monotonic() >= next_look and not self._quitting.is_set():
                self._look_for_panel()
                next_look = time.monotonic() + PANEL_SECONDS
        return 0

    def _look_for_panel(self) -> None:
        """Show the icon in a panel that has come, or come back, since."""
        backend = display.status_item_tray()
        if backend is not None:
            log.info("a panel takes the icon now")
            self._has_tray = True
            self._run_tray(backend)

    def show_window(self, page: str = "") -> None:
        """Open the window, or bring the open one to the front, at `page` (`/settings/about`) where one is given."""
        token, self._token = self._token, ""
        self._window.show(page, token)

    def activated_with(self, token: str) -> None:
        """The desktop's leave to come to the front, for the window that is shown next."""
        self._token = token

    def _nothing_shown(self) -> None:
        log.warning("the window shows nothing")
        self._say("The window shows nothing yet: opening GridBear in the system's browser.")
        self._browser_wanted = True

    def open_browser(self) -> None:
        url = self._login_url()
        if url is not None:
            webbrowser.open(self._window.at_page(url))

    def copy_address(self) -> None:
        if not desktop_actions.copy(self.address):
            log.warning("the address could not be copied")

    def restart_server(self) -> None:
        self._server.restart()

    def open_data_folder(self) -> None:
        desktop_actions.open_path(followed(self._folder.path))

    def view_logs(self) -> None:
        desktop_actions.open_path(DataFolder(followed(self._folder.path)).logs)

    def switch_start_at_login(self) -> None:
        try:
            self._autostart.switch(not self.starts_at_login)
        except StartupError as error:
            self._say(error.message)
        self.starts_at_login = self._autostart.is_on
        self._changed()

    def back_up(self) -> None:
        """Make a backup now, and say how it ended."""
        made, words = make_backup(followed(self._folder.path))
        self._say(words, BACKUPS_PAGE)
        if not made:
            # The first one wants a phrase to be kept, which that page shows.
            self.show_window(BACKUPS_PAGE)

    def quit(self) -> None:
        """End window, server and tray. Safe to call more than once and from any thread."""
        if not self._quitting.is_set():
            self._quitting.set()
            threading.Thread(target=self._end, name="quit", daemon=True).start()

    def _login_url(self) -> str | None:
        info = self._server.info
        if info is None:
            return None
        for left in range(LOGIN_ATTEMPTS - 1, -1, -1):
            try:
                return control.login_url(info)
            except (OSError, ValueError) as error:
                log.warning("no login for the window, %s more attempts: %s", left, error)
            # Busy with its start, perhaps; without a tray nobody could ask for the window again.
            if self._quitting.wait(POLL_SECONDS):
                break
        return None

    def _begin(self) -> None:
        """Open the window, unless the tray alone is wanted and can be seen, and tell when the server can't start."""
        if not (self._minimized and self._panel_is_there()):
            self.show_window()
        state = self._server.wait_until_settled(START_SECONDS)
        if self.adopted:
            tell(f"A server runs at {self.address} already: GridBear uses it, and leaves it running at the end.")
        if state != "running" and not self._quitting.is_set():
            tell(f"The server could not start: {self.problem}")
            if not self._has_tray and not self._window.is_there:
                self.quit()

    def _panel_is_there(self) -> bool:
        deadline = time.monotonic() + PANEL_SECONDS
        while not self._has_tray and time.monotonic() < deadline and not self._quitting.wait(POLL_SECONDS):
            pass
        return self._has_tray

    def _watch(self) -> None:
        """React to a second launch, to news of the server and to the end of the window."""
        while not self._quitting.wait(POLL_SECONDS):
            token = self._instance.take_request()
            if token is not None:
                self.activated_with(token)
                self.show_window()
            self._window.tend()
            if self._browser_wanted and self.state == "running":
                self._browser_wanted = False
                tell(f"Opening {self.address} in the system's browser.")
                self.open_browser()
            ended = self._window.ended()
            if ended is None:
                continue
            trouble, again = ended.trouble(), ended.was_asked_for()
            # What ends this process may have reached the window first.
            if (trouble or again) and self._quitting.wait(POLL_SECONDS):
                return
            if again:
                log.warning("another window, as one was asked for. %s", trouble or "That one was being closed.")
                self._window.show_again()
            elif trouble:
                log.warning("no window: %s", trouble)
                if ended.take_its_place():
                    self._say(f"{trouble} GridBear opens in the system's browser.")
                    self._browser_wanted = True
                else:
                    self._say(f"{trouble} GridBear is in the system's browser already.")
                if not self._has_tray:
                    tell("Ctrl+C ends GridBear.")
            elif not self._has_tray:
                self.quit()

    def _tray_backend(self) -> str | None:
        try:
            return display.tray_backend()
        except Exception:
            # Whatever a desktop does when it is asked, the server and the window go on.
            log.exception("it could not be found out whether a tray takes icons here")
            return None

    def _run_tray(self, backend: str) -> None:
        try:
            view = self._view = view_of(TrayModel(self), backend)
            if self._quitting.is_set():
                # Whoever ends it found no view to stop.
                return
            # What changed while the view was made had nobody to tell it.
            self._changed()
            view.run(self.quit)
        except Exception as error:
            # On quitting, pystray's GTK backends raise where no notification service runs.
            if not self._quitting.is_set():
                log.warning("the tray failed: %s", error, exc_info=not isinstance(error, TrayLost))
                tell(f"The tray failed ({error}): GridBear opens its window, and ends when that is closed.")
                # Minimized, nothing else would be left to see or to end it with.
                self._has_tray = False
                self.show_window()
        finally:
            self._view = None

    def _changed(self) -> None:
        view = self._view
        if view is not None and not self._quitting.is_set():
            view.refresh()

    def _say(self, text: str, page: str = "") -> None:
        view = self._view
        if view is not None:
            view.tell(text, page=page)
        else:
            tell(text)

    def _notice(self, title: str, text: str, page: str) -> None:
        view = self._view
        if view is not None:
            view.tell(text, title, page)

    def _signalled(self, _number: int, _frame: FrameType | None) -> None:
        self.quit()

    def _end(self) -> None:
        threading.Thread(target=self._end_for_certain, name="last-resort", daemon=True).start()
        self._window.end()
        self._server.stop()
        view = self._view
        if view is not None:
            self._quietly(view.stop)
        self._done.set()

    def _quietly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:
            log.exception("ending the tray failed")

    def _end_for_certain(self) -> None:
        if self._done.wait(LAST_RESORT_SECONDS):
            # The tray's loop has this long to return; everything that matters is closed.
            threading.Event().wait(2)
            os._exit(0)
        log.error("quitting took more than %s s; ending hard", LAST_RESORT_SECONDS)
        os._exit(1)

    def _log_to_file(self) -> None:
        logging.basicConfig(
            handlers=[own_log(self._folder.logs / "launcher.log")],
            level=logging.INFO,
            format="%(asctime)s %(levelname)s %(threadName)s %(message)s",
            force=True,
        )
