"""Which settings belong together, in the order in which they are shown."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "network": (
        "host", "port", "tls", "tls_certificate", "tls_key", "base_path", "allowed_hosts", "trusted_proxies",
        "cors_origins", "public_port", "public_url", "internal_api_secret", "internal_api_from_elsewhere",
    ),
    "people": (
        "session_inactivity_hours", "session_max_days", "second_factor_roles", "oauth_private_documents",
    ),
    "limits": (
        "rest_rate_per_second", "rest_rate_burst", "mcp_rate_per_minute", "mcp_rate_burst", "public_rate_per_second",
        "rest_body_bytes", "batch_body_bytes", "import_body_bytes", "upload_body_bytes", "upload_types",
        "webhook_body_bytes", "mcp_body_bytes", "bodies_held_bytes", "write_queue",
    ),
    "tools": (
        "mcp_tool_approval", "mcp_approval_wait_minutes", "mcp_approval_minutes", "mcp_approvals_waiting",
        "mcp_own_servers", "mcp_own_servers_per_person", "mcp_own_server_hosts", "mcp_call_timeout_seconds",
        "mcp_start_timeout_seconds", "mcp_install_timeout_seconds", "mcp_failures_allowed", "mcp_idle_seconds",
        "mcp_tools_ttl_hours",
    ),
    "automations": (
        "tasks_at_once_per_person", "tasks_open_per_person", "task_process_seconds", "task_process_memory_bytes",
        "webhooks_private_addresses", "plugin_dev",
    ),
    "kept": (
        "request_log", "requests_days", "requests_max_bytes",
        "tool_calls_log", "tool_calls_days", "tool_calls_max_bytes", "tool_calls_value_bytes", "audit_days",
        "audit_max_bytes", "history_days", "history_max_bytes", "trash_days", "sessions_max_bytes",
        "notifications_max_bytes", "tasks_max_bytes", "webhook_deliveries_days", "webhook_deliveries_max_bytes",
        "events_kept",
    ),
    "storage": (
        "data_dir", "storage_logs_stop_bytes", "storage_read_only_bytes", "key_store", "log_level", "log_file",
        "safe_mode", "safe_mode_reason",
    ),
    "backups": (
        "backup_schedule", "backup_keep", "backup_max_bytes", "backup_copy_to", "backup_copy_keep",
        "backup_copy_max_bytes", "restore_undo_days",
    ),
}  # fmt: skip

GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
