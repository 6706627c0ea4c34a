"""The settings one by one: default, help, unit, when a change applies, and what a value must look like."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from server.data_location import default_data_dir

Applies = Literal["live", "restart"]

MEBIBYTE = 1 << 20
MEDIA_RANGE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]*/(\*|[a-z0-9][a-z0-9!#$&^_.+-]*)")
"""A type of files such as `application/pdf`, or a family of them such as `image/*`."""
BACKUP_SCHEDULE = re.compile(
    r"off|daily (?P<hour>[01]\d|2[0-3]):(?P<minute>[0-5]\d)|every (?P<hours>[1-9]\d{0,2}) hours?"
)


def _setting(
    default: Any,
    help: str,
    *,
    unit: str = "",
    applies: Applies = "restart",
    secret: bool = False,
    **rules: Any,
) -> Any:
    extra: dict[str, Any] = {"unit": unit, "applies": applies, "secret": secret}
    if callable(default):
        return Field(default_factory=default, description=help, json_schema_extra=extra, **rules)
    return Field(default, description=help, json_schema_extra=extra, **rules)


class SettingFields(BaseModel):
    """Every setting with its default. `server.config.Settings` is what the program uses."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data_dir: Path = _setting(default_data_dir, "Folder that holds the database, files, logs and plugins.")
    host: str = _setting("127.0.0.1", "Address to listen on. Anything but loopback is LAN mode.")
    port: int = _setting(8088, "Port to listen on; not given and taken, the next free one is used.", ge=0, le=65535)
    tls: Literal["off", "self-made", "files"] = _setting(
        "off", "Encryption (https): off, a certificate made here (self-made), or the two files below (files)."
    )
    tls_certificate: str = _setting("", "The certificate, with its chain, as a PEM file; for tls=files.")
    tls_key: str = _setting("", "The key of the certificate as a PEM file without password; for tls=files.")
    public_port: int = _setting(
        0,
        "Another port, on this computer alone, that serves nothing but plugins with public_api, for a tunnel that "
        "webhooks come in by; 0: none.",
        ge=0,
        le=65535,
    )
    public_url: str = _setting(
        "", "How the public port is reached from outside, such as https://hooks.example.", applies="live"
    )
    base_path: str = _setting("", "Path prefix behind a reverse proxy, such as /bear.")
    allowed_hosts: str = _setting(
        "",
        "More Host names that requests may carry (host or host:port), separated by commas.",
        applies="live",
    )
    trusted_proxies: str = _setting(
        "",
        "Addresses or networks of reverse proxies whose X-Forwarded headers are believed, separated by commas.",
        applies="live",
    )
    cors_origins: str = _setting(
        "",
        "Web sites whose pages may call the API with a token (https://app.example), separated by commas.",
        applies="live",
    )
    oauth_private_documents: bool = _setting(False, "Documents of OAuth clients may lie in private networks.")
    internal_api_secret: str = _setting("", "Secret of /api/internal; unset, the data folder has one.", secret=True)
    internal_api_from_elsewhere: bool = _setting(
        False, "Programs on other computers may use /api/internal, too.", applies="live"
    )
    key_store: Literal["auto", "file", "keychain"] = _setting(
        "auto",
        "Where the key of the secrets goes when it is made: the system's keychain, a private file, or auto: the "
        "keychain where there is one and a display.",
    )
    plugin_dev: bool = _setting(
        False, "Developer mode of plugins: one that is on is loaded again when its files change.", applies="live"
    )
    safe_mode: bool = _setting(
        False, "Start in safe mode: no plugin, no MCP server and no schedule runs. It can be left in the UI."
    )
    safe_mode_reason: str = _setting("", "What safe mode is for, told in the UI; the tray says here what failed.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _setting("INFO", "Lowest level that is logged.")
    log_file: str = _setting(
        "",
        "Name of a file in the folder logs that the log also goes to; it is begun anew after 1 MB, five older stay.",
        pattern=r"^([A-Za-z0-9_-][A-Za-z0-9._-]{0,99})?$",
    )

    rest_rate_per_second: float = _setting(
        20.0,
        "Requests to /api/v1 that one person gains per second.",
        unit="1/s",
        applies="live",
        gt=0,
        le=1e6,
    )
    rest_rate_burst: int = _setting(
        100, "Requests to /api/v1 that one person may send at once.", applies="live", ge=1, le=1_000_000
    )
    mcp_rate_per_minute: float = _setting(
        100.0, "Tool calls that one person gains per minute and MCP server.", unit="1/min", applies="live", gt=0,
        le=1e6,
    )  # fmt: skip
    mcp_rate_burst: int = _setting(
        100,
        "Tool calls that one person may send at once to one MCP server.",
        applies="live",
        ge=1,
        le=1_000_000,
    )
    session_inactivity_hours: float = _setting(
        72.0, "A session ends this long after its last use.", unit="h", applies="live", gt=0, le=24 * 3660
    )
    second_factor_roles: str = _setting(
        "",
        "Roles, and groups as group:NAME, that must have a second factor, separated by commas; without one they can "
        "only set it up.",
        applies="live",
    )
    session_max_days: float = _setting(
        30.0, "A session ends this long after sign-in, however much it is used.", unit="d", applies="live", gt=0,
        le=3660,
    )  # fmt: skip

    rest_body_bytes: int = _setting(MEBIBYTE, "Largest body of a REST request.", unit="B", ge=1024)
    batch_body_bytes: int = _setting(16 * MEBIBYTE, "Largest body of a batch of changes.", unit="B", ge=1024)
    import_body_bytes: int = _setting(2048 * MEBIBYTE, "Largest file of an import.", unit="B", ge=1024)
    upload_body_bytes: int = _setting(100 * MEBIBYTE, "Largest upload of a file.", unit="B", applies="live", ge=1024)
    upload_types: str = _setting(
        "",
        "Types of files that may be uploaded, separated by commas, such as image/*,application/pdf; none: all.",
        applies="live",
    )
    webhook_body_bytes: int = _setting(MEBIBYTE, "Largest body of a webhook delivery.", unit="B", ge=1024)
    mcp_body_bytes: int = _setting(4 * MEBIBYTE, "Largest body of an MCP request.", unit="B", ge=1024)
    bodies_held_bytes: int = _setting(
        64 * MEBIBYTE,
        "Bodies of requests that wait for their answer take at most this together; more are answered 503.",
        unit="B",
        applies="live",
        ge=MEBIBYTE,
    )
    write_queue: int = _setting(2048, "Writes that may wait for the writer; more are answered 503.", ge=1)

    mcp_start_timeout_seconds: float = _setting(
        60.0, "An MCP server has this long to start and answer.", unit="s", gt=0, le=3600
    )
    mcp_install_timeout_seconds: float = _setting(
        600.0, "An MCP server whose program is fetched first (npx, uvx) has this long.", unit="s", gt=0, le=86400
    )
    mcp_failures_allowed: int = _setting(
        5, "An MCP server that failed this often in a row is left alone until an admin looks at it.", ge=1, le=1000
    )
    mcp_call_timeout_seconds: float = _setting(
        60.0, "A tool call without any sign of life ends after this.", unit="s", gt=0, le=86400
    )
    mcp_approval_wait_minutes: int = _setting(
        60, "A tool call that waits for a person's approval, or has it for once, is forgotten after this.", unit="min",
        applies="live", ge=1, le=60 * 24 * 30,
    )  # fmt: skip
    mcp_approval_minutes: int = _setting(
        60, "An approval of a tool for a while lasts this long unless its person says otherwise.", unit="min",
        applies="live", ge=1, le=60 * 24 * 366,
    )  # fmt: skip
    mcp_approvals_waiting: int = _setting(
        50, "Tool calls of one person that may wait for an approval; more are refused.", applies="live", ge=1, le=500
    )
    mcp_own_servers: bool = _setting(
        False, "Members may add remote MCP servers for themselves, which they alone use.", applies="live"
    )
    mcp_own_servers_per_person: int = _setting(
        10, "MCP servers of their own that one person may have.", applies="live", ge=1, le=1000
    )
    mcp_own_server_hosts: str = _setting(
        "",
        "Hosts where members' own MCP servers may also lie, by http and in private networks; separated by commas.",
        applies="live",
    )
    mcp_idle_seconds: float = _setting(
        300.0, "An MCP server that nobody uses is stopped after this.", unit="s", gt=0, le=86400
    )
    mcp_tool_approval: bool = _setting(
        True,
        "New and changed tools of MCP servers without an exact version wait until an admin approves them.",
        applies="live",
    )
    mcp_tools_ttl_hours: float = _setting(
        24.0, "The list of an MCP server's tools is asked for again after this.", unit="h", applies="live", gt=0,
        le=24 * 366,
    )  # fmt: skip

    events_kept: int = _setting(
        10_000, "Changes that a listener of events who was away can still catch up on.", ge=100, le=1_000_000
    )
    history_days: float = _setting(
        365.0, "Changes of records are kept this long.", unit="d", applies="live", gt=0, le=36600
    )
    trash_days: float = _setting(
        30.0, "Deleted records and files can be brought back this long.", unit="d", applies="live", gt=0, le=3660
    )
    history_max_bytes: int = _setting(
        512 * MEBIBYTE, "Space for the history of records; the oldest goes first.", unit="B", applies="live", ge=4096
    )
    audit_days: float = _setting(365.0, "The audit log is kept this long.", unit="d", applies="live", gt=0, le=36600)
    audit_max_bytes: int = _setting(64 * MEBIBYTE, "Space for the audit log.", unit="B", applies="live", ge=4096)
    notifications_max_bytes: int = _setting(
        16 * MEBIBYTE, "Space for notifications; the oldest go first.", unit="B", applies="live", ge=4096
    )
    sessions_max_bytes: int = _setting(
        16 * MEBIBYTE, "Space for sessions; the oldest go first.", unit="B", applies="live", ge=4096
    )
    tasks_max_bytes: int = _setting(
        64 * MEBIBYTE, "Space for finished tasks; the oldest go first.", unit="B", applies="live", ge=4096
    )
    tasks_at_once_per_person: int = _setting(
        5, "Background tasks of one person that run at the same time; the others wait.", applies="live", ge=1, le=1000
    )
    tasks_open_per_person: int = _setting(
        100, "Background tasks that one person may have waiting or running.", applies="live", ge=1, le=100_000
    )
    task_process_seconds: float = _setting(
        3600.0, "A task that runs in a process of its own is ended after so long.", unit="s", applies="live",
        gt=0, le=7 * 86400,
    )  # fmt: skip
    task_process_memory_bytes: int = _setting(
        1024 * MEBIBYTE, "Memory of a task in a process of its own, on Linux; more fails it.", unit="B", applies="live",
        ge=128 * MEBIBYTE,
    )  # fmt: skip
    request_log: Literal["everything", "failures", "off"] = _setting(
        "everything",
        "What is kept of requests: everything, failures (refused, failed and slow ones) or nothing (off).",
        applies="live",
    )
    requests_days: float = _setting(7.0, "Requests are kept this long.", unit="d", applies="live", gt=0, le=36600)
    requests_max_bytes: int = _setting(
        64 * MEBIBYTE, "Space for requests; the oldest go first.", unit="B", applies="live", ge=4096
    )
    tool_calls_log: Literal["everything", "calls", "off"] = _setting(
        "everything",
        "What is kept of tool calls: everything, calls (without arguments and results) or nothing (off).",
        applies="live",
    )
    tool_calls_value_bytes: int = _setting(
        16 * 1024, "Of the arguments and of the result of a tool call this much is kept.", unit="B", applies="live",
        ge=256, le=MEBIBYTE,
    )  # fmt: skip
    tool_calls_days: float = _setting(30.0, "Tool calls are kept this long.", unit="d", applies="live", gt=0, le=36600)
    tool_calls_max_bytes: int = _setting(
        128 * MEBIBYTE, "Space for tool calls; the oldest go first.", unit="B", applies="live", ge=4096
    )
    webhook_deliveries_max_bytes: int = _setting(
        64 * MEBIBYTE, "Space for webhook deliveries; the oldest go first.", unit="B", applies="live", ge=4096
    )
    public_rate_per_second: float = _setting(
        50.0, "Requests to the public port that are answered per second, with as many as in ten seconds at once.",
        unit="1/s", applies="live", gt=0, le=1e6,
    )  # fmt: skip
    webhook_deliveries_days: float = _setting(
        30.0, "Deliveries of webhooks are kept this long.", unit="d", applies="live", gt=0, le=36600
    )
    webhooks_private_addresses: bool = _setting(
        False, "Webhooks may be sent to this computer and private networks, also without https.", applies="live"
    )
    storage_logs_stop_bytes: int = _setting(
        1024 * MEBIBYTE,
        "Free disk space below which history and other logs take nothing new; 0 never.",
        unit="B",
        applies="live",
        ge=0,
    )
    storage_read_only_bytes: int = _setting(
        200 * MEBIBYTE,
        "Free disk space below which nothing new is written; 0 never.",
        unit="B",
        applies="live",
        ge=0,
    )

    backup_schedule: str = _setting(
        "daily 03:00", "When backups are made: `daily 03:00`, `every 6 hours` or `off`.", applies="live"
    )
    backup_keep: int = _setting(14, "Backups that are kept; the oldest go first.", applies="live", ge=1, le=10_000)
    backup_max_bytes: int = _setting(
        20 * 1024 * MEBIBYTE, "Space for backups; the oldest go first.", unit="B", applies="live", ge=MEBIBYTE
    )
    backup_copy_to: str = _setting(
        "", "Another folder, on another disk for example, that gets a copy of each backup.", applies="live"
    )
    backup_copy_keep: int = _setting(30, "Backups that are kept in the other folder.", applies="live", ge=1, le=10_000)
    backup_copy_max_bytes: int = _setting(
        100 * 1024 * MEBIBYTE, "Space for backups in the other folder.", unit="B", applies="live", ge=MEBIBYTE
    )
    restore_undo_days: float = _setting(
        7.0, "What a restore replaced can be brought back this long.", unit="d", applies="live", gt=0, le=3660
    )

    @field_validator("backup_schedule")
    @classmethod
    def _backup_schedule_is_known(cls, value: str) -> str:
        plan = value.strip().lower()
        if not BACKUP_SCHEDULE.fullmatch(plan):
            raise ValueError("`daily 03:00`, `every 6 hours` or `off` is wanted")
        return plan

    @field_validator("backup_copy_to")
    @classmethod
    def _backup_copy_to_is_absolute(cls, value: str) -> str:
        folder = value.strip()
        if folder and not Path(folder).is_absolute():
            raise ValueError("the whole path of a folder is wanted, from the root")
        return folder

    @field_validator("base_path")
    @classmethod
    def _base_path_is_plain(cls, value: str) -> str:
        path = value.strip().rstrip("/")
        if path and not re.fullmatch(r"(?:/[\w.-]*[^\W_][\w.-]*)+", path):
            raise ValueError("a path like /bear is wanted: letters, digits, - _ . and /")
        return path

    @field_validator("public_url")
    @classmethod
    def _public_url_is_plain(cls, value: str) -> str:
        address = value.strip().rstrip("/")
        parts = urlsplit(address)
        plain = (
            not parts.query and not parts.fragment and "@" not in parts.netloc and re.fullmatch(r"[\w./-]*", parts.path)
        )
        if address and (parts.scheme not in ("http", "https") or not parts.hostname or not plain):
            raise ValueError("an address such as https://hooks.example is wanted")
        return address

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: str) -> str:
        for entry in listed(value):
            try:
                ipaddress.ip_network(entry)
            except ValueError:
                raise ValueError(f"{entry!r} is no address and no network such as 10.0.0.0/8") from None
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_exact(cls, value: str) -> str:
        for entry in listed(value):
            parts = urlsplit(entry)
            if parts.scheme not in ("http", "https") or not parts.netloc or entry != f"{parts.scheme}://{parts.netloc}":
                raise ValueError(f"{entry!r} is no origin such as https://app.example; there is no wildcard")
        return value

    @field_validator("upload_types")
    @classmethod
    def _upload_types_are_types(cls, value: str) -> str:
        parts = listed(value.lower())
        for part in parts:
            if MEDIA_RANGE.fullmatch(part) is None:
                raise ValueError(f"{part!r} is no type of files such as image/* or application/pdf")
        return ",".join(parts)


def listed(value: str) -> list[str]:
    """The entries of a setting that is a list with commas."""
    return [entry for part in value.split(",") if (entry := part.strip())]
