"""The gateway's own tools as tools/list shows them."""

from __future__ import annotations

from typing import Any

OWN_SERVER = "gridbear"
"""Under this name the log of calls and the pages have these tools."""
PAGE_BYTES = 100_000
"""A result of a task that is longer as JSON comes in pages of about this many bytes."""
MOST_FOUND, MOST_LISTED = 50, 100
STATES = ("queued", "running", "completed", "failed", "cancelled", "interrupted")


def _tool(name: str, title: str, description: str, properties: dict[str, Any], *required: str,
          **hints: bool) -> dict[str, Any]:  # fmt: skip
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return {"name": name, "title": title, "description": description, "inputSchema": schema, "annotations": hints}


_TASK_ID = {"type": "string", "description": "As async_run_tool answered it."}
_NAME = {"type": "string", "description": "As search_tools or tools/list shows it, such as time__get_time."}
_ARGUMENTS = {"type": "object", "description": "The tool's arguments, as its inputSchema wants them."}

TOOLS: dict[str, dict[str, Any]] = {
    tool["name"]: tool
    for tool in (
        _tool(
            "gridbear_help",
            "Help with this gateway",
            "Lists the servers behind this gateway, how many tools each has and what it says of itself; with a "
            "server's name, its tools.",
            {"server": {"type": "string", "description": "A server's name."}},
            readOnlyHint=True,
            openWorldHint=False,
        ),
        _tool(
            "search_tools",
            "Search tools",
            "Finds tools of all servers by words of their name, description and arguments, best first, with their "
            "schemas. Run what you found with execute_discovered_tool.",
            {
                "query": {"type": "string", "description": "What you want to do, such as: convert time zones."},
                "server": {"type": "string", "description": "Only tools of this server."},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_FOUND, "default": 5},
            },
            "query",
            readOnlyHint=True,
            openWorldHint=False,
        ),
        _tool(
            "execute_discovered_tool",
            "Run a tool",
            "Runs any tool by its name and answers as that tool does.",
            {"tool_name": _NAME, "arguments": _ARGUMENTS},
            "tool_name",
        ),
        _tool(
            "async_run_tool",
            "Run a tool in the background",
            "Starts a tool in the background and answers with a task id at once. For calls that take long.",
            {"tool_name": _NAME, "arguments": _ARGUMENTS},
            "tool_name",
        ),
        _tool(
            "async_task_status",
            "State of a task",
            "State, progress, log and, once there is one, the whole result of a task of yours. A result of more than "
            f"{PAGE_BYTES} bytes comes in pages: put the pages together and read them as JSON.",
            {"task_id": _TASK_ID, "page": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1}},
            "task_id",
            readOnlyHint=True,
            openWorldHint=False,
        ),
        _tool(
            "async_list_tasks",
            "Your tasks",
            "Your tasks, newest first, without their results.",
            {
                "status": {"type": "string", "enum": list(STATES)},
                "limit": {"type": "integer", "minimum": 1, "maximum": MOST_LISTED, "default": 50},
                "page": {"type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 1},
            },
            readOnlyHint=True,
            openWorldHint=False,
        ),
        _tool(
            "async_cancel_task",
            "Cancel a task",
            "Ends a waiting or running task of yours.",
            {"task_id": _TASK_ID},
            "task_id",
            readOnlyHint=False,
            destructiveHint=True,
            idempotentHint=True,
            openWorldHint=False,
        ),
    )
}
