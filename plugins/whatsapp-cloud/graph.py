"""Meta's Graph API: the two calls that this plugin makes, and what its errors mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from server.plugin_api import Conflict, GridBearError, PluginContext, RateLimited, TooLarge, UpstreamFailed

TOKEN_CODES = frozenset({0, 190})
RATE_CODES = frozenset({4, 613, 80007, 130429, 131048, 131056})
PASSING_CODES = frozenset({1, 2, 131000, 131016, 133004})
RATE_SECONDS = 30.0
REMEDIES = {
    10: "Give the token's system user the permission whatsapp_business_messaging.",
    200: "Give the token's system user the permission whatsapp_business_messaging.",
    131026: "This number can't be reached by WhatsApp.",
    131030: "Add the number to the list of test numbers at Meta (API setup), or take a number of your own.",
    131047: "They wrote more than 24 hours ago: WhatsApp lets you answer within a day alone.",
    131031: "Meta has locked the account; look into the Business Manager.",
}
"""What to do, by Graph's code of the error."""


class Media(NamedTuple):
    """A file of a message."""

    body: bytes
    content_type: str


async def send_text(plugin: PluginContext, to: str, text: str) -> str:
    """Send a text; its message id. Raises RateLimited or UpstreamFailed where it did not go out for now."""
    message = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "text",
        "text": {"body": text},
    }
    number = plugin.settings["phone_number_id"]
    if not number:
        raise Conflict("No phone number id is set: put it into the settings of the plugin WhatsApp.")
    try:
        answer = await _asked(plugin, f"{_base(plugin)}/{number}/messages", message)
        return str(answer["messages"][0]["id"])
    except UpstreamFailed as error:
        if error.code == "no_answer":
            raise _unknown() from error
        raise
    except (KeyError, IndexError, TypeError) as error:
        raise _unknown() from error


async def media(plugin: PluginContext, media_id: str) -> Media:
    """Fetch a file of a message. Raises TooLarge when it is larger than the setting media_max_bytes."""
    most = int(plugin.settings["media_max_bytes"])
    about = await _asked(plugin, f"{_base(plugin)}/{quote(media_id, safe='')}")
    if int(about.get("file_size") or 0) > most:
        raise TooLarge(f"it has {about['file_size']} bytes, at most {most} are fetched (media_max_bytes)")
    url = str(about.get("url") or "")
    fetched = await plugin.fetch(
        url, headers=_headers(plugin), most_bytes=most, seconds=120.0, private=url.startswith(f"{_base(plugin)}/")
    )
    if fetched.status != 200:
        raise _fault(fetched.status, fetched.headers, fetched.body)
    return Media(fetched.body, str(about.get("mime_type") or "application/octet-stream"))


async def _asked(plugin: PluginContext, url: str, message: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = _headers(plugin)
    body = None if message is None else json.dumps(message).encode()
    method = "GET" if body is None else "POST"
    # The address is an admin's choice, so it may lie on this computer.
    fetched = await plugin.fetch(url, method=method, headers=headers, body=body, private=True)
    if fetched.status != 200:
        raise _fault(fetched.status, fetched.headers, fetched.body)
    answer = _read(fetched.body)
    if answer is None:
        raise UpstreamFailed("WhatsApp's answer can't be read.", code="no_answer")
    return answer


def _base(plugin: PluginContext) -> str:
    return str(plugin.settings["graph_url"]).rstrip("/")


def _headers(plugin: PluginContext) -> dict[str, str]:
    token = plugin.secret("access_token")
    if not token:
        raise Conflict("No access token is set: put it into the settings of the plugin WhatsApp.")
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}


def _fault(status: int, headers: Mapping[str, str], body: bytes) -> GridBearError:
    error = (_read(body) or {}).get("error")
    if not isinstance(error, dict):
        if status == 429:
            return RateLimited("WhatsApp takes no more for now.", retry_after=_wait(headers))
        if status < 500:
            return Conflict(f"WhatsApp refuses it: it answers {status}.", code="whatsapp_refused")
        return UpstreamFailed(f"WhatsApp answers {status}.", code="no_answer")
    code, details = error.get("code"), error.get("error_data")
    told = details.get("details") if isinstance(details, dict) else None
    text = f"{str(told or error.get('message') or 'no reason given')[:300]} (code {code})"
    if code in TOKEN_CODES or status == 401:
        return Conflict(
            f"WhatsApp's access token has expired or was taken back: {text}. Make a new one at Meta, of a system user, "
            "and put it into the settings of the plugin WhatsApp.",
            code="whatsapp_token",
        )
    if code in RATE_CODES or status == 429:
        return RateLimited(f"WhatsApp takes no more for now: {text}", retry_after=_wait(headers))
    if code in PASSING_CODES or status >= 500:
        return UpstreamFailed(f"WhatsApp is out of order: {text}")
    remedy = REMEDIES.get(code, "") if isinstance(code, int) else ""
    return Conflict(f"WhatsApp refuses it: {text}. {remedy}".strip(), code="whatsapp_refused")


def _unknown() -> GridBearError:
    return Conflict(
        "WhatsApp did not answer as it should: nobody knows whether the message went out. Ask before you send again.",
        code="whatsapp_unknown",
    )


def _wait(headers: Mapping[str, str]) -> float:
    given = headers.get("retry-after", "")
    return float(given) if given.isascii() and given.isdigit() and len(given) < 6 else RATE_SECONDS


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
