"""What the conformance suite expects to find: tools, resources and prompts of fixed names with fixed contents."""

from __future__ import annotations

from typing import Any

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
ADDRESS = {
    "$anchor": "addressDef",
    "type": "object",
    "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
}
RICH_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {"address": ADDRESS},
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def said(words: str) -> dict[str, Any]:
    """A whole result of a tool."""
    return {"content": [text(words)]}


def form(message: str, **fields: dict[str, Any]) -> dict[str, Any]:
    """An elicitation; every field is wanted."""
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


def sampling(words: str, tokens: int) -> dict[str, Any]:
    messages = [{"role": "user", "content": text(words)}]
    return {"method": "sampling/createMessage", "params": {"messages": messages, "maxTokens": tokens}}


STRING = {"type": "string"}
ROOTS = {"method": "roots/list", "params": {}}
IMAGE = {"type": "image", "data": PIXEL, "mimeType": "image/png"}
EMBEDDED = {
    "type": "resource",
    "resource": {
        "uri": "test://embedded-resource",
        "mimeType": "text/plain",
        "text": "This is an embedded resource content.",
    },
}
MIXED = {
    "type": "resource",
    "resource": {
        "uri": "test://mixed-content-resource",
        "mimeType": "application/json",
        "text": '{"test":"data","value":123}',
    },
}
FIXED: dict[str, dict[str, Any]] = {
    "test_simple_text": said("This is a simple text response for testing."),
    "test_image_content": {"content": [IMAGE]},
    "test_audio_content": {"content": [{"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}]},
    "test_embedded_resource": {"content": [EMBEDDED]},
    "test_multiple_content_types": {"content": [text("Multiple content types test:"), IMAGE, MIXED]},
    "test_error_handling": {**said("This tool intentionally returns an error for testing"), "isError": True},
    "test_headers": said("The headers were right."),
    "json_schema_2020_12_tool": said("The arguments were right."),
}
"""Tools that always answer the same."""

_OPTIONS = ["option1", "option2", "option3"]
_TITLED = [{"const": f"value{n}", "title": f"{word} Option"} for n, word in enumerate(("First", "Second", "Third"), 1)]
FORMS: dict[str, dict[str, Any]] = {
    "test_elicitation": form("", username=STRING, email=STRING),
    "test_elicitation_sep1034_defaults": form(
        "Please review the defaults.",
        name={"type": "string", "default": "John Doe"},
        age={"type": "integer", "default": 30},
        score={"type": "number", "default": 95.5},
        status={"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        verified={"type": "boolean", "default": True},
    ),
    "test_elicitation_sep1330_enums": form(
        "Please choose.",
        untitledSingle={"type": "string", "enum": _OPTIONS},
        titledSingle={"type": "string", "oneOf": _TITLED},
        legacyEnum={"type": "string", "enum": ["opt1", "opt2"], "enumNames": ["Option One", "Option Two"]},
        untitledMulti={"type": "array", "items": {"type": "string", "enum": _OPTIONS}},
        titledMulti={"type": "array", "items": {"anyOf": _TITLED}},
    ),
}
"""Tools that push an elicitation, in the eras in which servers send requests."""

_NAME = form("What is your name?", name=STRING)
_CONFIRM = form("Please confirm", ok={"type": "boolean"})
ROUNDS: dict[str, list[dict[str, Any]]] = {
    "test_input_required_result_elicitation": [{"user_name": _NAME}],
    "test_input_required_result_sampling": [{"capital_question": sampling("What is the capital of France?", 100)}],
    "test_input_required_result_list_roots": [{"client_roots": ROOTS}],
    "test_input_required_result_request_state": [{"confirm": _CONFIRM}],
    "test_input_required_result_tampered_state": [{"confirm": _CONFIRM}],
    "test_input_required_result_multiple_inputs": [
        {"user_name": _NAME, "greeting": sampling("Generate a greeting", 50), "client_roots": ROOTS}
    ],
    "test_input_required_result_multi_round": [
        {"step1": form("Step 1: What is your name?", name=STRING)},
        {"step2": form("Step 2: What is your favorite color?", color=STRING)},
    ],
    "test_input_required_result_capabilities": [{"user_name": _NAME, "question": sampling("Say hello.", 50)}],
    "test_streaming_elicitation": [{"user_name": _NAME}],
}
"""Tools that answer `input_required`, and what they want in each round."""
STATELESS = frozenset(("test_input_required_result_elicitation", "test_input_required_result_sampling",
                       "test_input_required_result_list_roots", "test_streaming_elicitation"))  # fmt: skip
"""Those of ROUNDS that give no requestState."""
PROMPT_ROUND = {"user_context": form("What context should the prompt use?", context=STRING)}

_SCHEMAS: dict[str, dict[str, Any]] = {
    "json_schema_2020_12_tool": RICH_SCHEMA,
    "test_headers": {"type": "object", "properties": {"region": {**STRING, "x-mcp-header": "Region"}}},
    "test_sampling": {"type": "object", "properties": {"prompt": STRING}, "required": ["prompt"]},
    "test_elicitation": {"type": "object", "properties": {"message": STRING}, "required": ["message"]},
}
_OTHERS = ("test_tool_with_logging", "test_logging_tool", "test_tool_with_progress", "test_sampling",
           "test_missing_capability", "test_trigger_tool_change", "test_trigger_prompt_change",
           "test_reconnection")  # fmt: skip
TOOLS = [
    {
        "name": name,
        "description": f"For the conformance suite: {name}.",
        "inputSchema": _SCHEMAS.get(name, {"type": "object"}),
    }
    for name in (*FIXED, *FORMS, *ROUNDS, *_OTHERS)
]

_WORDS = "This is the content of the static text resource."
CONTENTS: dict[str, dict[str, Any]] = {
    "test://static-text": {"mimeType": "text/plain", "text": _WORDS},
    "test://static-binary": {"mimeType": "image/png", "blob": PIXEL},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched resource content"},
}
RESOURCES = [
    {"uri": uri, "name": uri[7:], "description": f"The resource {uri[7:]}.", "mimeType": content["mimeType"]}
    for uri, content in CONTENTS.items()
]
TEMPLATES = [{"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json"}]


def _prompt(name: str, *arguments: str) -> dict[str, Any]:
    wanted = [{"name": argument, "description": f"The {argument}.", "required": True} for argument in arguments]
    return {"name": name, "description": f"For the conformance suite: {name}.", "arguments": wanted}


PROMPTS = [
    _prompt("test_simple_prompt"),
    _prompt("test_prompt_with_arguments", "arg1", "arg2"),
    _prompt("test_prompt_with_embedded_resource", "resourceUri"),
    _prompt("test_prompt_with_image"),
    _prompt("test_input_required_result_prompt"),
]


def prompted(name: str, given: dict[str, str]) -> dict[str, Any] | None:
    """The messages of a prompt; None when there is none of this name."""
    match name:
        case "test_simple_prompt":
            contents = [text("This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            contents = [text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")]
        case "test_prompt_with_embedded_resource":
            words = "Embedded resource content for testing."
            resource = {"uri": given.get("resourceUri"), "mimeType": "text/plain", "text": words}
            contents = [{"type": "resource", "resource": resource}, text("Please process the embedded resource above.")]
        case "test_prompt_with_image":
            contents = [IMAGE, text("Please analyze the image above.")]
        case "test_input_required_result_prompt":
            contents = [text(f"With the context: {given.get('context')}")]
        case _:
            return None
    return {"messages": [{"role": "user", "content": content} for content in contents]}
