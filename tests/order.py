"""Which files of tests begin first. Files go to processes whole: a long one at the end would keep but one of them."""

from __future__ import annotations

from collections import Counter

import pytest

USUAL_SECONDS = 2
SECONDS = {
    "e2e/test_account_page.py": 27,
    "e2e/test_activity_page.py": 20,
    "e2e/test_add_server_page.py": 22,
    "e2e/test_api_examples.py": 20,
    "e2e/test_automations_page.py": 28,
    "e2e/test_backup_pages.py": 20,
    "e2e/test_example_pages.py": 24,
    "e2e/test_files_plugin_page.py": 20,
    "e2e/test_first_hour.py": 20,
    "e2e/test_home_page.py": 32,
    "e2e/test_memo_page.py": 28,
    "e2e/test_people_pages.py": 20,
    "e2e/test_place_page.py": 25,
    "e2e/test_plain_http.py": 92,
    "e2e/test_plugin_pages.py": 46,
    "e2e/test_restart_on_pages.py": 120,
    "e2e/test_safe_mode_page.py": 22,
    "e2e/test_server_away.py": 37,
    "e2e/test_settings_page.py": 20,
    "e2e/test_sharing_page.py": 20,
    "e2e/test_storage_pages.py": 33,
    "e2e/test_waiting_tools.py": 32,
    "faults/test_damaged_file.py": 20,
    "faults/test_full_disk.py": 20,
    "faults/test_kill_children.py": 39,
    "faults/test_kill_schedules.py": 24,
    "faults/test_kill_server_tasks.py": 20,
    "faults/test_kill_tasks.py": 20,
    "faults/test_kill_upgrade.py": 24,
    "faults/test_kill_uploads.py": 32,
    "faults/test_kill_webhooks.py": 20,
    "gridbear_desktop/test_crashes.py": 20,
    "gridbear_desktop/test_crashing_window.py": 22,
    "gridbear_desktop/test_desktop.py": 44,
    "gridbear_desktop/test_mcp_bridge.py": 37,
    "gridbear_desktop/test_moving_house.py": 35,
    "gridbear_desktop/test_moving_server.py": 40,
    "gridbear_desktop/test_status_item_process.py": 33,
    "gridbear_desktop/test_tray_deeds.py": 31,
    "gridbear_desktop/test_uninstall.py": 85,
    "packaging/test_bundle.py": 93,
    "packaging/test_page_types.py": 49,
    "packaging/test_plugin_docs.py": 20,
    "plugins/test_written_from_docs.py": 38,
    "server/access/test_access_oracle.py": 54,
    "server/backup/test_exchange.py": 60,
    "server/cli/test_backup_commands.py": 58,
    "server/cli/test_secrets_commands.py": 20,
    "server/cli/test_transfer_commands.py": 20,
    "server/db/test_swap.py": 20,
    "server/mcp_gateway/conformance/test_conformance.py": 22,
    "server/records/test_list_oracle.py": 20,
    "server/records/test_round_trip.py": 25,
    "server/web/test_contract.py": 40,
}
"""Files whose few tests take long: how long each file takes, roughly."""


def longest_file_first(items: list[pytest.Item]) -> None:
    """Bring the tests in this order, each file's together and as they were."""
    files = [_file(item) for item in items]
    tests = Counter(files)
    first = {file: place for place, file in reversed(list(enumerate(files)))}
    items.sort(key=lambda item: _rank(_file(item), tests, first))


def _rank(file: str, tests: Counter[str], first: dict[str, int]) -> tuple[int, int]:
    return -SECONDS.get(file, USUAL_SECONDS * tests[file]), first[file]


def _file(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0].removeprefix("tests/")
