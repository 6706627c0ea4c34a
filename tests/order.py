"""Which files of tests begin first. Files go to processes whole: a long one at the end would keep but one of them."""

from __future__ import annotations

from collections import Counter

import pytest

USUAL_SECONDS = 2
SECONDS = {
    "e2e/test_activity_page.py": 50,
    "e2e/test_add_server_page.py": 36,
    "e2e/test_api_examples.py": 40,
    "e2e/test_backup_pages.py": 31,
    "e2e/test_files_plugin_page.py": 28,
    "e2e/test_first_hour.py": 33,
    "e2e/test_people_pages.py": 42,
    "e2e/test_plain_http.py": 60,
    "e2e/test_restart_on_pages.py": 51,
    "e2e/test_safe_mode_page.py": 36,
    "e2e/test_settings_page.py": 48,
    "e2e/test_sharing_page.py": 35,
    "faults/test_damaged_file.py": 52,
    "faults/test_full_disk.py": 41,
    "faults/test_kill_server_tasks.py": 54,
    "faults/test_kill_tasks.py": 22,
    "faults/test_kill_uploads.py": 32,
    "faults/test_kill_webhooks.py": 61,
    "gridbear_desktop/test_crashes.py": 51,
    "gridbear_desktop/test_moving_house.py": 37,
    "packaging/test_bundle.py": 157,
    "packaging/test_plugin_docs.py": 26,
    "server/access/test_access_oracle.py": 54,
    "server/cli/test_backup_commands.py": 141,
    "server/cli/test_secrets_commands.py": 24,
    "server/cli/test_transfer_commands.py": 27,
    "server/db/test_swap.py": 27,
    "server/records/test_list_oracle.py": 23,
    "server/records/test_round_trip.py": 30,
    "server/web/test_contract.py": 150,
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
