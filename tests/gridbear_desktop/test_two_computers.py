"""Two computers of one network, each a network namespace: the other one finds the server by mDNS and uses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from gridbear_process import Gridbear, wait_for

from gridbear_desktop import runfile

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery"
SERVER, CLIENT = "10.77.3.1", "10.77.3.2"
VISIT = """
import json, ssl, sys, threading, urllib.error, urllib.parse, urllib.request
from zeroconf import ServiceBrowser, Zeroconf
from server.certificates import client_context

found = threading.Event()
told = {}

class Listener:
    def add_service(self, zeroconf, kind, name):
        info = zeroconf.get_service_info(kind, name)
        if info is not None:
            told.update(name=name, url=f"https://{info.parsed_addresses()[0]}:{info.port}", server=info.server)
            found.set()
    def update_service(self, *_):
        pass
    def remove_service(self, *_):
        pass

zeroconf = Zeroconf(interfaces=[sys.argv[2]])
ServiceBrowser(zeroconf, "_https._tcp.local.", Listener())
told["found"] = found.wait(20)
zeroconf.close()
trust = urllib.request.HTTPSHandler(context=client_context(sys.argv[1]))
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)

def status(path, host=None, **fields):
    body = urllib.parse.urlencode(fields).encode() if fields else None
    headers = {"Accept": "application/json", **({"Host": host} if host else {})}
    try:
        with opener.open(urllib.request.Request(told["url"] + path, body, headers), timeout=10) as answer:
            return [answer.status, answer.headers.get("set-cookie", "")]
    except urllib.error.HTTPError as error:
        return [error.code, ""]

told["page"] = status("/")
told["sign_in"] = status("/auth/login", username="ada", password=sys.argv[3])
told["ticket"] = status("/_desktop/login?ticket=x")
told["by_name"] = status("/healthz", host=told["server"].rstrip(".") + told["url"][told["url"].rindex(":"):])
told["by_foreign_name"] = status("/healthz", host="evil.example")
print(json.dumps(told))
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def computers() -> Iterator[tuple[str, str]]:
    """The names of two namespaces with a cable between them."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("network namespaces need Linux, root and `ip`")
    one, two = f"gb-one-{os.getpid()}", f"gb-two-{os.getpid()}"
    try:
        ip("netns", "add", one)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
    try:
        ip("netns", "add", two)
        ip("-n", one, "link", "add", "lan0", "type", "veth", "peer", "name", "lan0", "netns", two)
        for name, address in ((one, SERVER), (two, CLIENT)):
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "lan0")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", "lan0", "up")
            ip("-n", name, "route", "add", "default", "dev", "lan0")
        yield one, two
    finally:
        for name in (one, two):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_the_other_computer_finds_the_server_and_signs_in(gridbear: Gridbear, computers: tuple[str, str]) -> None:
    one, two = computers
    gridbear.env |= {"GRIDBEAR_KEY_STORE": "file"}
    gridbear.create_user("ada", PASSWORD)
    assert gridbear.cli("lan", "on").returncode == 0
    serving = ["ip", "netns", "exec", one, *gridbear.command("serve", "--data-dir", str(gridbear.data_dir))]
    gridbear.popen(serving, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    info = wait_for(lambda: runfile.read(gridbear.data_dir / "run"), "a server")

    visiting = ["ip", "netns", "exec", two, sys.executable, "-c", VISIT, info.certificate, CLIENT, PASSWORD]
    visit = gridbear.popen(visiting)
    out, err = visit.communicate(timeout=60)
    assert visit.returncode == 0, err
    told: dict[str, Any] = json.loads(out)
    assert told["found"] and told["name"].startswith("GridBear on ")
    assert told["url"] == f"https://{SERVER}:{info.port}"
    assert told["page"][0] == 200 and told["by_name"][0] == 200
    assert told["sign_in"][0] == 200 and "Secure" in told["sign_in"][1]
    assert told["ticket"][0] == told["by_foreign_name"][0] == 403

    asking = ["ip", "netns", "exec", one, *gridbear.command("lan", "status", "--json")]
    gridbear.env["GRIDBEAR_DATA_DIR"] = str(gridbear.data_dir)
    asked = gridbear.popen(asking)
    state = json.loads(asked.communicate(timeout=30)[0])
    assert state["addresses"][0] == told["url"] and state["first_visitor_at"] is not None
