"""What is blacked out, what is cut, and what stays."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote, quote_plus

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.latency import TOLD_BOUNDS, Latency
from server.mcp_gateway.activity.excerpt import excerpt, kept
from server.mcp_gateway.activity.redaction import BLACKED, Redactor, named_secret

SECRET = 'a "quoted"\nvalue'
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "apiKey",
        "api_key",
        "API-KEY",
        "access_token",
        "userPassword",
        "Authorization",
        "client_secret",
        "pin",
    ],
)
def test_what_is_named_like_a_secret_is_one(name: str) -> None:
    assert named_secret(name)
    assert Redactor(()).value({name: "abc", "inner": [{name: ["x", 1]}], "b": {name: {"a": 1}}}) == {
        name: BLACKED,
        "inner": [{name: BLACKED}],
        "b": {name: BLACKED},
    }


@pytest.mark.parametrize("name", ["max_tokens", "key", "tokenizer", "title", "passage", "spin", "", "secretary", "…"])
def test_what_only_sounds_alike_is_none(name: str) -> None:
    assert Redactor(()).value({name: "abc"}) == {name: "abc"}


@pytest.mark.parametrize(
    "text",
    ["gb_" + "a1B2" * 8, "sk-" + "abc123" * 5, "ghp_" + "a" * 30, "AKIAABCDEFGHIJKLMNOP", "Bearer abcdefghijkl",
     "eyJhbGciOiJI.eyJzdWIiOiIx.abc", "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----"],
)  # fmt: skip
def test_what_looks_like_a_secret_is_blacked_out_in_any_text(text: str) -> None:
    told = Redactor(()).text(f"before {text} after")
    assert text.split()[-1] not in told and BLACKED in told
    assert told.startswith("before ") and told.endswith(" after")


def test_a_known_secret_is_found_in_texts_names_and_json_inside_of_a_text() -> None:
    redactor = Redactor([SECRET, "12345678"])
    inner = orjson.dumps({"found": SECRET}).decode()
    told = redactor.value({SECRET: [f"x{SECRET}y", inner, 12345678, 7]})
    assert told == {BLACKED: [f"x{BLACKED}y", f'{{"found":"{BLACKED}"}}', BLACKED, 7]}


@given(st.text("abc", min_size=12, max_size=30), st.integers(0, 60), st.integers(16, 60))
def test_the_beginning_of_a_secret_that_was_cut_does_not_stay(secret: str, place: int, limit: int) -> None:
    told = Redactor([secret]).value(excerpt("-" * place + secret + "-" * 80, limit)[0])
    assert secret[:4] not in told


@given(json_values, st.integers(0, 400))
def test_an_excerpt_is_short_and_whole_where_there_is_room(value: Any, limit: int) -> None:
    assert excerpt(value, 1 << 30)[0] == value
    short, size = excerpt(value, limit)
    # An overrun is by one name, one text and the ends of what was open.
    assert len(json.dumps(short, ensure_ascii=False)) <= 12 * limit + 40 * 100
    assert size >= 0


def test_an_excerpt_of_much_costs_what_it_keeps() -> None:
    much = {"content": [{"text": "x" * 50_000_000}], "more": list(range(1_000_000))}
    short, size = kept(much, 1000)
    assert (short, size) == excerpt(much, 1000)
    assert len(orjson.dumps(short)) < 1200 and size < 1200
    assert short["content"][0]["text"].endswith("… (cut, 50000000 characters)")


@given(json_values, st.integers(0, 400))
def test_what_is_small_is_kept_as_its_json_and_all_else_as_an_excerpt(value: Any, limit: int) -> None:
    what, size = kept(value, limit)
    if isinstance(what, bytes):
        assert orjson.loads(what) == value and len(what) == size <= limit
    else:
        assert (what, size) == excerpt(value, limit)


def test_what_small_things_are_kept_as() -> None:
    assert kept({"text": "hello", "more": [1, None]}, 100) == (b'{"text":"hello","more":[1,null]}', 32)
    assert kept(None, 100)[0] is None
    # No JSON of ours, but it is not lost: numbers for names, numbers beyond 64 bit, halves of characters.
    assert kept({1: "one"}, 100)[0] == {"1": "one"}
    for odd in ({"number": 2**70}, ["\ud800"]):
        assert not isinstance(kept(odd, 100)[0], bytes)


def test_quantiles_are_good_to_a_quarter() -> None:
    latency = Latency()
    assert latency.quantile(0.5) is None
    for number in range(1, 1001):
        latency.add(number / 1000)
    assert latency.count == 1000 and latency.total == pytest.approx(500.5)
    for part in (0.1, 0.5, 0.95):
        assert latency.quantile(part) == pytest.approx(part, rel=0.25)
    latency.add(1e6)
    told = dict(latency.told())
    assert told[1.0] == 1000 and told[0.1] == 100 and tuple(told) == TOLD_BOUNDS


@pytest.mark.parametrize("text", ["7", "pass", "x" * 13, "Basic abcdefgh", "Basic " + "z" * 8])
def test_no_text_is_too_short_to_be_looked_at(text: str) -> None:
    assert Redactor((text,)).text(text) == Redactor((text,)).value({"said": text})["said"] == BLACKED
    assert (BLACKED in Redactor(()).text(text)) == text.startswith("Basic ")


def test_what_a_name_means_does_not_depend_on_how_long_it_is() -> None:
    assert named_secret("a_" * 200 + "password") and not named_secret("password_" * 200 + "length")


_pieces = st.lists(
    st.sampled_from(
        ["password", "PIN", "apiKey", "access", "_key", "Token", "otp", "title", "x" * 20, "Bearer ", "Basic\t",
         "jwt", "pass", "db_", "value", "name", "=", ": ", "--", "://", "a:", "@", "ya29.", "SG.", ":AA", "ASIA",
         "npm_", "gb_", "sk-", "pk_", "ghp_", "github_pat_", "glpat-", "xoxb-", "AKIA", "A" * 16, "eyJ", ".eyJ",
         "a1b2c3d4e5f6g7h8i9j0", "-----BEGIN PRIVATE KEY-----", SECRET, "1e+22", "12345678", "\\", '"', "é", "\0"]
    ),
    max_size=4,
).map("".join)  # fmt: skip
_near_secrets = st.recursive(
    st.none() | st.integers() | st.sampled_from([12345678, 1e22, 0.5]) | _pieces | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_pieces, inner, max_size=3),
)


@given(_near_secrets)
def test_where_a_glance_finds_nothing_there_is_nothing(value: Any) -> None:
    for secrets in ((), (SECRET, "12345678"), ("1e+22",)):
        redactor = Redactor(secrets)
        try:
            text = orjson.dumps(value).decode()
        except orjson.JSONEncodeError:
            return
        if redactor.finds_nothing(text):
            assert redactor.value(value) == value


def test_a_glance_is_enough_for_what_is_usual() -> None:
    assert Redactor([SECRET]).finds_nothing('{"content":[{"text":"hello","type":"text"}],"isError":false,"n":[1,2.5]}')


_S = "Zx9-not-known-to-us"


@pytest.mark.parametrize(
    "value",
    [
        json.dumps({"user": "a", "password": _S}),
        json.dumps(json.dumps({"api_key": _S}, indent=2)),
        json.dumps({"password": f'with "quotes" and spaces {_S}'}),
        f"FOO=1\nDB_PASSWORD={_S}\nexport API_KEY='{_S} {_S}'",
        f"db:\n  passphrase: {_S}\n  token: \"{_S}\"",
        f"https://example.org/x?api_key={_S}&a=1&access_token={_S}#f",
        f"postgres://ada:{_S}@db.example.org/x",
        f"run --password {_S} --token={_S}",
        f"Cookie: a=1; session={_S}; b=2",
        f"Authorization: Digest username=a, response={_S}",
        f"note: secret={_S}",
        [{"name": "Authorization", "value": _S}, {"key": "password", "value": [_S]},
         {"header": "X-Api-Key", "value": _S}],
        [["Authorization", _S]],
        {"passwords": [_S], "api_keys": {"a": _S}, "refreshTokens": [_S], "encryptionKey": _S,
         "db_pass": _S, "jwt": _S},
    ],
)  # fmt: skip
def test_a_secret_that_nobody_told_us_is_known_by_its_name_in_whatever_form_it_comes(value: Any) -> None:
    redactor = Redactor(())
    told = json.dumps(redactor.value({"content": value}), ensure_ascii=False)
    assert _S not in told and BLACKED in told
    assert not redactor.finds_nothing(json.dumps(value))


@pytest.mark.parametrize(
    "text",
    ["ya29." + "a" * 40, "npm_" + "a" * 36, "hf_" + "a" * 34,
     "https://hooks.slack.com/services/T00000000/B0000000/" + "X" * 24,
     "SG." + "a" * 22 + "." + "b" * 43, "pypi-AgEI" + "a" * 60, "whsec_" + "a" * 32, "123456789:AA" + "x" * 33,
     "ASIA" + "A" * 16, "eyJhbGciOiJkaXIi.aaaaaaaa.bbbbbbbb.cccccccc.dddddddd",
     "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----"],
)  # fmt: skip
def test_keys_of_well_known_services_are_known_by_their_look(text: str) -> None:
    redactor = Redactor(())
    assert BLACKED in redactor.text(text) and text[-9:] not in redactor.text(f"a {text} b")
    assert not redactor.finds_nothing(json.dumps(text))


def test_a_known_secret_is_found_as_addresses_programs_and_base64_write_it() -> None:
    secret = 'p@ss/w0rd+é"x'
    redactor = Redactor([secret])
    for form in (quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1],
                 base64.b64encode(secret.encode()).decode()):  # fmt: skip
        assert redactor.text(f"a {form} b").removesuffix(" b").rstrip("=") == f"a {BLACKED}"
        assert not redactor.finds_nothing(json.dumps({"said": form}))


@pytest.mark.parametrize(
    "text",
    ["max_tokens: 4096, tokenizer=fast", '{"token": null, "password": true}',
     "see https://example.org:8080/a and mail a@b.c",
     "the key: value store", "Bearer", "step 1: pin", "password:", "a://b:c"],
)  # fmt: skip
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert Redactor(()).text(text) == text


@pytest.mark.parametrize(
    "value",
    [
        "curl -u ada:hunter2 https://bear.example",
        "curl --user ada:hunter2 x",
        "curl --user=ada:hunter2 x",
        "curl -u 'ada:hunter2' x",
        'curl -u "ada@bear.example:hunter2"',
        "curl -sS -u ada:1hunter2",
        ["curl", "-u", "ada:hunter2", "x"],
        ["curl", "--user", "ada:hunter2"],
        ["tool", "--password", "hunter2", "--verbose"],
        {"run": json.dumps({"args": ["curl", "-u 'ada:hunter2'"]})},
        {"pass": "hunter2"},
        {"auth": "hunter2"},
        {"AUTH": "hunter2"},
        {"tokens": "hunter2"},
        {"token": "hunter2"},
        'he sent {"auth": "hunter2"}',
        "he sent {'pass': 'hunter2'}",
        "https://bear.example/?x=1&auth=hunter2",
        "https://bear.example/?pass=hunter2",
    ],
)
def test_a_login_of_a_command_and_a_short_name_of_a_secret_are_known(value: Any) -> None:
    redactor = Redactor(())
    assert not redactor.finds_nothing(orjson.dumps(value).decode())
    told = orjson.dumps(redactor.value(value)).decode()
    assert "hunter2" not in told and BLACKED in told


@pytest.mark.parametrize(
    "value",
    [
        "docker run -u 1000:1000 image",
        ["docker", "run", "-u", "1000:1000", "image"],
        "date -u +%H:%M",
        "git push -u origin main",
        "curl -u https://bear.example/x",
        "rsync -u there:/folder here",
        "sort -u words",
        "pre-u ada:word",
        {"tokens": 512, "max_tokens": 512, "pass": True, "auth": None},
        {"tokens": "512", "auth": "basic", "pass": "true"},
        {"tokens": ["a", "word"], "author": "ada", "authority": "none"},
        "all tests pass: 12 of them, auth: see the docs",
        "tokens: 512 were used",
        ["-v", "word", "--verbose", "much"],
    ],
)
def test_what_a_command_or_a_short_name_says_that_is_no_secret_stays(value: Any) -> None:
    assert Redactor(()).value(value) == value
