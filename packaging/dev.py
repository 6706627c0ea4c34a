"""The commands of a developer: run, test, check, bench, soak, lock, bundle. Needs Python 3.11 and nothing else."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this script is started with whatever python3 is on the PATH
    version = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(f"GridBear needs Python 3.11 or newer; {sys.executable} is Python {version}. Try python3.11 (or newer).")

import argparse
import os
import subprocess

import dev_bundle
import dev_check
import dev_lock
import dev_peers
import dev_system
import dev_venv
from dev_venv import ROOT, say

# File by file, on all processors, also processes, browsers and windows: each has its own ports and display.
# They begin in the order of tests/order.py.
SIDE_BY_SIDE = ["--dist=loadfile", "--no-loadscope-reorder"]
PROCESSORS = min(os.cpu_count() or 1, 4)
FAST_TESTS = ["-m", "not slow and not soak", *SIDE_BY_SIDE, f"--numprocesses={PROCESSORS}"]
# One more: these wait a third of their time, for a server to start or a page to come.
SLOW_TESTS = ["-m", "slow and not soak", *SIDE_BY_SIDE, f"--numprocesses={PROCESSORS + 1}"]
TESTS_FAILED = 1  # pytest's exit code


def run(arguments: list[str]) -> int:
    """Install what this machine can use and start `gridbear` with the arguments."""
    if dev_system.has_display():
        dev_venv.install("desktop")
        if sys.platform == "linux":
            if dev_venv.link_system_gtk():
                say("Window and tray use this system's GTK.")
            else:
                say("This system has no GTK bindings with WebKit: using Qt, a download of some 250 MB.")
                dev_venv.install("qt")
    else:
        say("There is no display here: the server alone will do, without window and tray.")
        dev_venv.install("requirements")
    say("Starting GridBear.")
    command = [str(dev_venv.PYTHON), "-m", "gridbear_desktop", *arguments]
    if os.name == "posix":
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 0


def test(arguments: list[str], fast: bool) -> int:
    """Pytest and the checks beside it: all but the soak campaigns, or with `fast` what needs no other process."""
    dev_venv.install("dev")
    # The tests start hundreds of processes: each of them would compile the program, or the tests, anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not fast:
        dev_system.prepare_tests()
        dev_peers.install("mcp1", "servers", dev_peers.NPM)
        if sys.platform == "linux":
            dev_venv.link_system_gtk()
            # Both engines that a window may have there; the same versions of everything else.
            dev_venv.install("qt", only_for="The tests of Qt's window and tray")
    # One processor's work, for the most part, in which the others would wait.
    checks = dev_check.Checks()
    code = _tests(arguments, fast)
    failed = checks.failed()
    if failed:
        say(f"Beside the tests, these checks failed: {', '.join(failed)}.")
    return code or int(bool(failed))


def _tests(arguments: list[str], fast: bool) -> int:
    if any(not argument.startswith("-") for argument in arguments):
        # A few chosen tests start sooner in one process.
        marked = "not slow and not soak" if fast else "not soak"
        return dev_venv.python("-m", "pytest", "-m", marked, *arguments)
    codes = [_test_twice(part, arguments) for part in ([FAST_TESTS] if fast else [FAST_TESTS, SLOW_TESTS])]
    return next((code for code in codes if code), 0)


def _test_twice(part: list[str], arguments: list[str]) -> int:
    """Run a part of the tests, and what failed of it once more, alone. Returns pytest's exit code.

    Thousands of tests with processes, windows and browsers meet a busy computer now and then; what fails twice is
    broken. What failed once is named, so that it can be mended too.
    """
    code = dev_venv.python("-m", "pytest", *part, *arguments)
    if code != TESTS_FAILED:
        return code
    say("What failed runs once more, alone. Tests that pass only now depend on how busy the computer is: mend them.")
    again = ["--last-failed", "--last-failed-no-failures=none", "-v"]
    return dev_venv.python("-m", "pytest", *part[:2], *again, *arguments)


def check() -> int:
    """Style, types, import contracts, file sizes and lock files."""
    dev_venv.install("dev")
    failed = dev_check.Checks().failed()
    say(f"Failed: {', '.join(failed)}." if failed else "All checks passed.")
    return int(bool(failed))


def bench(arguments: list[str]) -> int:
    """The tables of speed and size."""
    dev_venv.install("bench")
    if not arguments or "mcp" in arguments:
        dev_peers.install("fastmcp", "contextforge", "mcp1")
    return dev_venv.python("-m", "tests.bench", *arguments)


def soak(arguments: list[str]) -> int:
    """The long campaigns: tests marked `soak`."""
    dev_venv.install("dev")
    # Without capture: a campaign takes long and says how far it is.
    return dev_venv.python("-m", "pytest", "-m", "soak", "-s", *arguments)


def main() -> int:
    parser = argparse.ArgumentParser("dev.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start GridBear from this checkout; further arguments go to `gridbear`")
    testing = commands.add_parser("test", help="all checks and tests; further arguments go to pytest")
    testing.add_argument("--fast", action="store_true", help="leave out what starts processes, a browser or a bundle")
    commands.add_parser("check", help="style, types, import contracts, file sizes, lock files")
    commands.add_parser("bench", help="print the tables of speed and size; further arguments go to tests/bench")
    commands.add_parser("soak", help="the long campaigns; further arguments go to pytest")
    commands.add_parser("lock", help="make the lock files again; further arguments, such as --upgrade, go to uv")
    commands.add_parser("bundle", help="build what people download, under dist/; --help tells more", add_help=False)
    options, rest = parser.parse_known_args()
    if rest and options.command == "check":
        parser.error("check takes no arguments")
    os.chdir(ROOT)
    if options.command == "test":
        return test(rest, options.fast)
    if options.command == "lock":
        return dev_lock.write_all(rest)
    with_arguments = {"run": run, "bench": bench, "soak": soak, "bundle": dev_bundle.main}
    return with_arguments[options.command](rest) if options.command in with_arguments else check()


if __name__ == "__main__":
    sys.exit(main())
