"""Who gets through which door: every route that there is, as everybody. A route that is not stated here fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.access.actor import OWNER
from server.web.dispatch import ANONYMOUS_ADDRESSES
from tests.conftest import running_bear
from tests.server.web.doors import INTERNAL_SECRET, ROLES, Answer, Crowd, doors

pytestmark = pytest.mark.anyio

ALL = frozenset(ROLES)
HERE = ALL - {"machine elsewhere"}
NOBODY: frozenset[str] = frozenset()
SIGNED_IN = HERE - {"nobody", "app"}
SESSION = frozenset(("admin session", "must enrol"))
FULL_SESSION = frozenset(("admin session",))
READ = frozenset(("guest", "member", "admin token", "admin session", "read token", "machine"))
"""Whoever may use /api/v1 at all; what they see there is for the access rules."""
WRITE = READ - {"read token"}
PERSON = READ - {"machine"}
SOME = READ | {"notes token"}
"""Those, and a token for one model alone, which sees that model there."""
# Notes stand for all models: guests may do nothing with them.
NOTES_READ, NOTES_WRITE = SOME - {"guest"}, (WRITE | {"notes token"}) - {"guest"}
ADMIN_READ = READ - {"guest", "member"}
ADMIN = WRITE - {"guest", "member"}
TOOLS = frozenset(("guest", "member", "admin token", "admin session", "tools token", "app", "machine"))
MACHINE = frozenset(("machine",))
INTERNAL = frozenset(("internal",))

V1, MODEL, HOOK = "/api/v1", "/api/v1/{model}", "/api/webhook-inbox"
POLICY: dict[str, frozenset[str]] = {
    "GET /": ALL, "GET /healthz": ALL, "GET /ui/{path}": ALL, "GET /api/docs": ALL, "GET /api/openapi.json": ALL,
    "GET /auth/login": ALL, "POST /auth/login": ALL, "GET /auth/setup": ALL, "POST /auth/setup": HERE,
    "GET /auth/link": ALL, "POST /auth/link": ALL, "POST /auth/link/look": ALL, "GET /_desktop/login": HERE,
    # Over plain http from elsewhere there is no OAuth.
    **{f"GET /.well-known/{name}": HERE for name in (
        "oauth-authorization-server", "openid-configuration", "oauth-protected-resource/mcp",
        "oauth-protected-resource/mcp/{server}")},
    "GET /oauth/authorize": HERE, "POST /oauth/register": HERE, "POST /oauth/token": HERE, "POST /oauth/revoke": HERE,
    "GET /oauth/consent": ALL, "POST /oauth/consent/look": FULL_SESSION, "POST /oauth/consent/decide": FULL_SESSION,

    "POST /_desktop/ticket": MACHINE, "POST /_desktop/operations/{name}": MACHINE,
    "GET /api/internal/health": INTERNAL, "POST /api/internal/notifications": INTERNAL,
    "GET /api/internal/secrets": INTERNAL, "GET /api/internal/secrets/{name}": INTERNAL,
    "GET /api/internal/channels": INTERNAL, "POST /api/internal/send-message": INTERNAL,
    "GET /api/internal/send-message/{key}": INTERNAL,
    "POST /api/internal/process-task-result": INTERNAL, "POST /api/internal/plugins/{name}/reload": INTERNAL,

    "GET /auth/me": SIGNED_IN, "POST /auth/logout": SIGNED_IN, "POST /auth/password": SESSION,
    "POST /auth/sessions/revoke": SESSION, "GET /auth/second-factor": SESSION, "POST /auth/second-factor": SESSION,
    "POST /auth/second-factor/confirm": SESSION, "POST /auth/second-factor/recovery-codes": SESSION,
    "POST /auth/second-factor/remove": SESSION, "POST /auth/users/{user_id}/second-factor/remove": FULL_SESSION,
    "POST /auth/users/{user_id}/leave": ADMIN, "POST /auth/invites": ADMIN, "POST /auth/resets": ADMIN,

    f"GET {V1}/{{a model}}": NOTES_READ, f"HEAD {V1}/{{a model}}": NOTES_READ, f"POST {V1}/{{a model}}": NOTES_WRITE,
    f"GET {V1}/{{a model}}/{{record_id}}": NOTES_READ, f"HEAD {V1}/{{a model}}/{{record_id}}": NOTES_READ,
    f"PUT {V1}/{{a model}}/{{record_id}}": NOTES_WRITE, f"PATCH {V1}/{{a model}}/{{record_id}}": NOTES_WRITE,
    f"DELETE {V1}/{{a model}}/{{record_id}}": NOTES_WRITE,
    f"GET {MODEL}/aggregate": NOTES_READ, f"GET {MODEL}/deleted": NOTES_READ, f"GET {MODEL}/export": NOTES_READ,
    f"POST {MODEL}/import": NOTES_WRITE, f"PATCH {MODEL}/bulk": NOTES_WRITE, f"DELETE {MODEL}/bulk": NOTES_WRITE,
    f"GET {MODEL}/{{record_id}}/history": NOTES_READ, f"POST {MODEL}/{{record_id}}/restore": NOTES_WRITE,

    f"GET {V1}/models": SOME, f"POST {V1}/models": ADMIN, f"GET {V1}/models/{{model}}": SOME,
    f"PATCH {V1}/models/{{model}}": ADMIN, f"DELETE {V1}/models/{{model}}": ADMIN,
    f"GET {V1}/models/{{model}}/definition": ADMIN, f"GET {V1}/access/explain": SOME,
    f"GET {V1}/access/matrix": ADMIN_READ,
    f"GET {V1}/server/model-definitions": ADMIN, f"POST {V1}/server/model-definitions": ADMIN,
    f"GET {V1}/server/slow-lists": ADMIN_READ, f"GET {V1}/server/indexes": ADMIN_READ,
    f"POST {V1}/server/indexes": ADMIN, f"DELETE {V1}/server/indexes/{{model}}/{{fields}}": ADMIN,
    f"GET {V1}/events": SOME, f"POST {V1}/batch": NOTES_WRITE, f"POST {V1}/undo": WRITE,
    f"POST {V1}/import/guess": READ, f"GET {V1}/import/running": PERSON,
    f"GET {V1}/files": READ, f"HEAD {V1}/files": READ, f"POST {V1}/files": WRITE - {"guest"},
    # A file may come with a record that holds it.
    f"GET {V1}/files/{{file_id}}": SOME, f"HEAD {V1}/files/{{file_id}}": SOME,
    f"GET {V1}/files/{{file_id}}/content": SOME, f"HEAD {V1}/files/{{file_id}}/content": SOME,
    f"DELETE {V1}/files/{{file_id}}": WRITE - {"guest"},
    f"POST {V1}/plugins/public-address/test": ADMIN, f"GET {V1}/ui/contributions": READ,
    f"GET {V1}/ui/notification-kinds": READ,
    f"GET {V1}/plugins/{{name}}/settings": ADMIN, f"PUT {V1}/plugins/{{name}}/settings": ADMIN,
    f"GET {V1}/schedules/kinds": READ, f"POST {V1}/schedules/{{record_id}}/run": WRITE - {"guest"},
    f"POST {V1}/webhooks/{{record_id}}/test": ADMIN, f"POST {V1}/webhook_deliveries/{{record_id}}/redeliver": ADMIN,
    f"GET {V1}/gateway/clients": ADMIN_READ, f"GET {V1}/gateway/clients/claude-desktop/bundle": ADMIN_READ,
    f"POST {V1}/gateway/clients/{{client}}/connect": ADMIN,
    f"POST {V1}/gateway/clients/{{client}}/disconnect": ADMIN,
    f"GET {V1}/gateway/catalogue": ADMIN_READ, f"POST {V1}/gateway/catalogue/{{name}}/add": ADMIN,
    f"GET {V1}/gateway/import/sources": ADMIN_READ, f"POST {V1}/gateway/import": ADMIN,
    f"POST {V1}/gateway/call": WRITE - {"machine"},
    f"POST {V1}/gateway/calls/{{key}}/answers": WRITE - {"machine"},
    f"DELETE {V1}/gateway/calls/{{key}}": WRITE - {"machine"},
    f"GET {V1}/gateway": READ, f"GET {V1}/gateway/metrics": READ, "GET /metrics": ADMIN_READ,
    f"GET {V1}/gateway/{{server_id}}/tools": READ,
    f"GET {V1}/gateway/{{server_id}}/prompts": READ, f"GET {V1}/gateway/{{server_id}}/resources": READ,
    f"POST {V1}/gateway/{{server_id}}/prompts/get": WRITE - {"machine"},
    f"POST {V1}/gateway/{{server_id}}/resources/read": WRITE - {"machine"},
    f"POST {V1}/gateway/{{server_id}}/complete": WRITE - {"machine"},
    f"GET {V1}/gateway/{{server_id}}/resources/updates": WRITE - {"machine"},
    f"GET {V1}/gateway/own": READ, f"GET {V1}/gateway/own/{{server}}/tools": READ,
    f"PATCH {V1}/gateway/own/{{server}}/tools/{{name:path}}": FULL_SESSION,
    f"PATCH {V1}/gateway/{{server_id}}/tools/{{name:path}}": FULL_SESSION,
    f"POST {V1}/gateway/{{server_id}}/tools/approve": FULL_SESSION,
    f"POST {V1}/gateway/{{server_id}}/refresh": WRITE,
    f"POST {V1}/gateway/{{server_id}}/restart": ADMIN, f"GET {V1}/gateway/{{server_id}}/explain": ADMIN_READ,
    f"GET {V1}/gateway/own/{{server}}/explain": ADMIN_READ,
    **{f"GET {V1}/gateway/{at}/messages{more}": ADMIN_READ for at in ("{server_id}", "own/{server}")
       for more in ("", "/export", "/updates")},
    **{f"{verb} {V1}/gateway/{at}/messages/watch": ADMIN for verb in ("PUT", "DELETE")
       for at in ("{server_id}", "own/{server}")},
    **{f"POST {V1}/gateway/approvals/{{approval_id}}/{deed}": FULL_SESSION for deed in ("approve", "deny")},
    f"POST {V1}/gateway/{{server_id}}/sign-in": WRITE, f"POST {V1}/gateway/{{server_id}}/sign-out": WRITE,
    "GET /oauth/callback": ALL,
    f"POST {V1}/tasks/{{key}}/cancel": WRITE, f"POST {V1}/tasks/{{key}}/retry": WRITE,
    f"GET {V1}/plugins/{{name}}/manifest": ADMIN_READ - {"read token"}, f"GET {V1}/plugins/manifest/schema": READ,
    **{f"POST {V1}/plugins/{{name}}/{deed}": ADMIN for deed in ("enable", "disable", "reload", "uninstall", "restore")},
    f"POST {V1}/plugins/{{name}}/libraries": ADMIN, f"POST {V1}/plugins/install": ADMIN,
    f"GET {V1}/server": READ, f"POST {V1}/server/check-file": ADMIN, f"POST {V1}/server/go-on": ADMIN,
    f"POST {V1}/server/leave-safe-mode": ADMIN,

    f"GET {V1}/server/lan": ADMIN_READ, f"POST {V1}/server/lan": ADMIN,
    f"GET {V1}/server/certificate": READ, f"GET {V1}/server/certificate/content": READ,
    f"GET {V1}/server/licences": READ, f"GET {V1}/server/first-steps": READ,
    f"GET {V1}/server/log/lines": ADMIN_READ, f"GET {V1}/server/log/lines/{{line_id}}": ADMIN_READ,
    f"GET {V1}/server/log/histogram": ADMIN_READ,
    f"GET {V1}/server/settings": ADMIN_READ, f"POST {V1}/server/restart": ADMIN,
    f"GET {V1}/server/data-folder": ADMIN_READ, f"POST {V1}/server/data-folder/move": ADMIN,

    f"GET {V1}/backups": ADMIN_READ, f"POST {V1}/backups": ADMIN, f"GET {V1}/backups/status": ADMIN_READ,
    f"POST {V1}/backups/upload": ADMIN, f"POST {V1}/backups/restore/undo": ADMIN,
    f"DELETE {V1}/backups/{{name}}": ADMIN, f"POST {V1}/backups/{{name}}/check": ADMIN,
    f"GET {V1}/backups/{{name}}/content": ADMIN, f"HEAD {V1}/backups/{{name}}/content": ADMIN,
    f"POST {V1}/backups/{{name}}/restore": ADMIN, f"GET {V1}/backups/recovery-phrase": ADMIN_READ,
    f"POST {V1}/backups/recovery-phrase": ADMIN, f"POST {V1}/backups/recovery-phrase/confirm": ADMIN,

    # Deliveries are let in by their signature alone, whoever sends them.
    f"GET {HOOK}/": ADMIN_READ, f"POST {HOOK}/": NOBODY, f"POST {HOOK}/secret": ADMIN,
    f"POST {HOOK}/deliveries/{{record_id}}/replay": ADMIN,
    **{f"{verb} /mcp": TOOLS for verb in ("GET", "POST", "DELETE")},
    # The app was let in to /mcp, and a token is good for its one address.
    **{f"{verb} /mcp/{{server}}": TOOLS - {"app"} for verb in ("GET", "POST", "DELETE")},
}  # fmt: skip

_CREATE = b'{"operations": [{"verb": "create", "model": "notes", "values": {"title": "x"}}]}'
SENT: dict[str, tuple[bytes, str]] = {
    "POST /auth/setup": (b'{"token": "x", "username": "x", "password": "x", "password_confirm": "x"}', ""),
    "POST /auth/link": (b'{"token": "x", "password": "x", "password_confirm": "x"}', ""),
    "POST /auth/password": (b'{"current_password": "x", "new_password": "x"}', ""),
    "POST /auth/resets": (b'{"user_id": "999999"}', ""),
    f"POST {V1}/batch": (_CREATE, ""),
    f"POST {V1}/undo": (b'{"first": 999998, "last": 999999}', ""),
    f"PATCH {MODEL}/bulk": (b'{"priority": 1}', "title=nothing+has+this+title"),
    f"DELETE {MODEL}/bulk": (b"", "title=nothing+has+this+title"),
    f"GET {V1}/access/explain": (b"", "model=notes&verb=read"),
    f"GET {V1}/gateway/{{server_id}}/explain": (b"", "user=1&tool=x"),
    f"GET {V1}/gateway/own/{{server}}/explain": (b"", "user=1&tool=x"),
    f"POST {V1}/files": (b"hello", "name=a.txt"),
    f"POST {V1}/gateway/{{server_id}}/tools/approve": (b'{"tools": [{"name": "x", "hash": "' + b"0" * 64 + b'"}]}', ""),
    f"POST {V1}/server/data-folder/move": (b'{"to": "not-from-the-root"}', ""),
    f"POST {V1}/gateway/call": (b'{"tool": "nothing__here"}', ""),
    f"POST {V1}/gateway/calls/{{key}}/answers": (b'{"answers": {"1": {}}}', ""),
    f"POST {V1}/gateway/{{server_id}}/prompts/get": (b'{"name": "x"}', ""),
    f"POST {V1}/gateway/{{server_id}}/resources/read": (b'{"uri": "x://y"}', ""),
    f"GET {V1}/gateway/{{server_id}}/resources/updates": (b"", "uri=x://y"),
    f"POST {V1}/gateway/{{server_id}}/complete": (b'{"prompt": "x", "argument": "y"}', ""),
}
"""What has to be sent, and asked, for a request to be refused for who sends it and for nothing else."""
OWN_REFUSALS = ("link_invalid", "ticket_invalid", "not_an_own_model")
"""403 that is not for who asks, but for what was asked."""


def is_in(answer: Answer) -> bool:
    return answer.status not in (401, 403) or answer.code in OWN_REFUSALS


async def test_every_route_lets_in_whom_its_policy_names(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    async with running_bear(folder, internal_api_secret=INTERNAL_SECRET, second_factor_roles="member") as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        found = sorted({f"{verb} {address}" for verb, address in doors(bear)})
        assert set(found) ^ set(POLICY) == set(), "a new route needs a policy: state it here"
        wrong, tried = [], 0
        for door in found:
            verb, address = door.split(" ", 1)
            for who in ROLES:
                answer = await crowd.knock(who, verb, address, *SENT.get(door, (b"{}", "")))
                tried += 1
                if is_in(answer) != (who in POLICY[door]) or answer.status >= 500:
                    wrong.append(f"{door} as {who}: {answer}")
        assert not wrong, "\n".join(wrong)
        assert tried == len(POLICY) * len(ROLES)


async def test_no_number_in_an_address_breaks_a_door(tmp_path: Path) -> None:
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL_SECRET) as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        numbered = [door for door in POLICY if "_id}" in door]
        for door in numbered:
            verb, address = door.split(" ", 1)
            body, query = SENT.get(door, (b'{"password": "correct horse battery", "trash": true}', ""))
            for number in (str(1 << 63), "9" * 40, "-1", "0", "1e3", "%00"):
                answer = await crowd.knock("admin session", verb, address, body, query, number=number)
                assert answer.status in (400, 404, 409, 422), (door, number, answer)
        assert len(numbered) > 10


async def test_no_door_reads_a_body_to_its_end_that_has_none(tmp_path: Path) -> None:
    """Nobody who is not signed in, and no admin but where large things belong, fills the memory."""
    async with running_bear(tmp_path / "data", internal_api_secret=INTERNAL_SECRET) as bear:
        crowd = Crowd(bear)
        await crowd.gather()
        most, pieces = 1_200_000, 400
        large = ("/batch", "/files", "/import", "/import/guess", "/backups/upload", "/mcp", "/mcp/{server}")
        wrong, tried = [], 0
        for door in POLICY:
            verb, address = door.split(" ", 1)
            for who in ("nobody", "admin session", "internal"):
                if verb in ("GET", "HEAD") or (who != "nobody" and address.endswith(large)):
                    continue
                answer = await crowd.knock(who, verb, address, b"x" * 16_384, SENT.get(door, (b"", ""))[1],
                                           pieces=pieces)  # fmt: skip
                tried += 1
                if answer.read > most or answer.status >= 500:
                    wrong.append(f"{door} as {who}: {answer}")
        assert not wrong, "\n".join(wrong)
        assert tried > 150


def test_open_doors_are_the_listed_addresses() -> None:
    """What lets nobody in is what `ANONYMOUS_ADDRESSES` says, and the other way round."""
    listed = {address.replace("/ui/*", "/ui/{path}") for address in ANONYMOUS_ADDRESSES}
    assert {door.split(" ", 1)[1] for door, who in POLICY.items() if "nobody" in who} == listed


async def test_who_must_enrol_gets_to_their_own_account_alone(tmp_path: Path) -> None:
    own = {door for door, who in POLICY.items() if "must enrol" in who and who != ALL and who != HERE}
    assert all(door.split(" ", 1)[1].startswith("/auth/") for door in own)
    async with running_bear(tmp_path / "data", second_factor_roles="admin") as bear:
        await bear.app.people.create_user(OWNER, "ada", "correct horse battery", role="admin")
        session = await bear.signed_in("ada")
        for address in ("/api/v1/users", "/api/v1/audit_entries", "/api/v1/backups", "/mcp", "/api/webhook-inbox/"):
            assert (await session.get(address)).status_code == 403, address
