"""Rules for the sources of the pages that no browser is needed to check."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import get_args

from server.models.icons import ModelIcon
from server.web.first_modules import imported

UI = Path(__file__).resolve().parents[2] / "assets" / "ui"
OURS = [path for path in sorted(UI.rglob("*")) if path.is_file() and "vendor" not in path.parts]
SCRIPTS = [path for path in OURS if path.suffix == ".js"]
PLUGIN_SCRIPTS = sorted((UI.parents[1] / "plugins").glob("*/ui/*.js"))
# Keys that are put together at run time: t(`theme.${name}`), and those that a table names.
BUILT = re.compile(r"`([a-z]+\.[a-z_]*)\$\{")
NAMED = re.compile(r"^(home|steps|page|field)[._]")


def test_no_source_file_has_more_than_300_lines() -> None:
    long = [
        path.name
        for path in OURS
        if path.suffix in {".js", ".css", ".html"} and path.read_text("utf-8").count("\n") > 300
    ]
    assert long == []


def test_no_inline_style_inline_script_or_raw_html() -> None:
    for path in OURS:
        if path.suffix in {".js", ".html"}:
            text = path.read_text("utf-8")
            assert not re.search(r"\sstyle=|dangerouslySetInnerHTML|innerHTML|\son[a-z]+=[\"']|\beval\(", text), path
    assert "<script>" not in (UI / "index.html").read_text("utf-8")


def test_every_word_the_pages_ask_for_is_in_the_catalogue_and_none_is_left_over() -> None:
    first, rest = (json.loads((UI / "i18n" / name).read_text("utf-8")) for name in ("en.json", "en.more.json"))
    catalogue = first | rest
    source = "\n".join(path.read_text("utf-8") for path in SCRIPTS)
    asked = set(re.findall(r"""["']([a-z]+(?:\.[a-z_]+)+|skip|loading)["']""", source))
    called = set(re.findall(r"""\bt\(["']([a-z_.]+)["']""", source))
    assert sorted(called - set(catalogue)) == []
    built = tuple(BUILT.findall(source))
    assert [key for key in catalogue if key not in asked and not key.startswith(built) and not NAMED.match(key)] == []
    assert not first.keys() & rest.keys()
    assert list(first) == sorted(first) and list(rest) == sorted(rest)


def fetched_first() -> set[Path]:
    """The scripts of the first pages: they come before the rest of the words and sheets."""
    return {UI / name for name in imported(UI, "main.js", "pages/signin.js", "pages/home_activity.js")}


def test_the_first_words_are_those_of_the_first_pages_and_no_others() -> None:
    first = json.loads((UI / "i18n" / "en.json").read_text("utf-8"))
    whole = first | json.loads((UI / "i18n" / "en.more.json").read_text("utf-8"))
    source = "\n".join(path.read_text("utf-8") for path in fetched_first())
    asked = set(re.findall(r"""["']([a-z]+(?:\.[a-z_]+)+|skip|loading)["']""", source))
    built = tuple(BUILT.findall(source))
    wanted = {key for key in whole if key in asked or key.startswith(built)}
    assert sorted(set(first) - wanted) == [], "these belong into en.more.json"
    assert sorted(wanted - set(first)) == [], "these belong into en.json"


def test_every_later_page_waits_for_its_words_and_sheets() -> None:
    alone = {
        name
        for path in SCRIPTS
        for name in re.findall(r'later\(\(\) => import\("([^"]+)"\).*\{ rest: false \}\)', path.read_text("utf-8"))
    }
    assert alone == {"./pages/signin.js", "./home_activity.js"}, "fetched_first() has to name it"


def test_what_a_script_is_sent_without_is_no_part_of_a_text() -> None:
    for path in SCRIPTS:
        before = 0
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if "vendor" not in path.parts and line.lstrip().startswith(("//", "/**")):
                assert before % 2 == 0, f"{path}:{number} begins as a comment does, within a template"
            before += line.replace("\\`", "").count("`")


def test_every_stylesheet_and_icon_the_pages_name_exists() -> None:
    index = (UI / "index.html").read_text("utf-8")
    for name in re.findall(r"\{\{base\}\}/ui/([^\"]+)", index + (UI / "docs.html").read_text("utf-8")):
        assert (UI / name).is_file(), name
    joined = {name: (UI / "css" / name).read_text("utf-8") for name in ("first.css", "rest.css", "narrow.css")}
    assert re.findall(r"/ui/css/([a-z]+\.css)", index) == ["first.css", "narrow.css"]
    linked = [
        name for text in joined.values() for name in re.findall(r'^@import "([a-z_]+\.css)";$', text, re.MULTILINE)
    ]
    assert sorted([*linked, *joined, "docs.css"]) == sorted(path.name for path in (UI / "css").glob("*.css"))
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (UI / "icons.svg").read_text("utf-8")))
    used = re.compile(r'icons\.svg#([a-z-]+)|<\$\{Icon\} name="([a-z-]+)"')
    named = {name for path in SCRIPTS for name in used.findall(path.read_text("utf-8"))}
    assert {a or b for a, b in named} <= sprite


def test_both_dark_blocks_of_the_tokens_are_the_same() -> None:
    text = (UI / "css" / "tokens.css").read_text("utf-8")
    system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\n  \}', text, re.S)
    chosen = re.search(r':root\[data-theme="dark"\] \{(.*?)\n\}', text, re.S)
    assert system and chosen
    assert re.findall(r"--[\w-]+: [^;]+;", re.sub(r"\s+", " ", system[1])) == re.findall(
        r"--[\w-]+: [^;]+;", re.sub(r"\s+", " ", chosen[1])
    )


def test_nothing_is_used_that_browsers_withhold_from_plain_http_but_the_clipboard_with_its_way_round() -> None:
    withheld = re.compile(
        r"crypto\.(subtle|randomUUID)|navigator\.(clipboard|serviceWorker|share|locks|storage|credentials|mediaDevices)"
        r"|\bNotification\b|\bcaches\.|show(Save|Open)FilePicker|wakeLock"
    )
    users = {path.relative_to(UI).as_posix() for path in SCRIPTS if withheld.search(path.read_text("utf-8"))}
    assert users == {"widgets/copy.js"}


def test_icons_that_models_may_have_are_drawn_named_and_offered() -> None:
    names = list(get_args(ModelIcon))
    assert names == sorted(names)
    drawn = set(re.findall(r'<symbol id="([a-z-]+)"', (UI / "icons.svg").read_text("utf-8")))
    assert set(names) <= drawn
    source = (UI / "widgets" / "model_icon.js").read_text("utf-8")
    assert f'"{" ".join(names)}"' in source
    used = re.findall(r'^  "?([a-z-]+)"?: "[a-z_ ]+",$', source, re.MULTILINE)
    assert len(used) > 10 and set(used) <= drawn
    words = json.loads((UI / "i18n" / "en.more.json").read_text("utf-8"))
    assert {key for key in words if key.startswith("icon.")} == {f"icon.{name}" for name in [*names, "own"]}


def test_no_script_comes_back_to_itself_by_its_imports() -> None:
    left = {
        path: set(re.findall(r'^(?:import|export)\b[^;]*?\bfrom "(\.[^"]+)"', path.read_text("utf-8"), re.M))
        for path in SCRIPTS
    }
    while ready := [
        path for path, names in left.items() if not any((path.parent / name).resolve() in left for name in names)
    ]:
        for path in ready:
            del left[path]
    assert sorted(path.name for path in left) == []


def test_what_a_script_exports_is_named_by_another() -> None:
    exported = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.MULTILINE)
    texts = {path: path.read_text("utf-8") for path in [*SCRIPTS, UI / "sdk.d.ts", *PLUGIN_SCRIPTS]}
    users = Counter(word for text in texts.values() for word in set(re.findall(r"\w+", text)))
    names = [(path.name, name) for path in SCRIPTS for name in exported.findall(texts[path])]
    assert [place for place in names if users[place[1]] == 1] == []


def test_what_a_script_imports_it_uses() -> None:
    for path in SCRIPTS:
        words = Counter(re.findall(r"\w+", text := path.read_text("utf-8")))
        for names in re.findall(r"^import \{([^}]*)\} from", text, re.MULTILINE):
            idle = [name for one in names.split(",") if words[name := one.split(" as ")[-1].strip()] == 1]
            assert idle == [], path


def test_every_class_of_the_stylesheets_is_used() -> None:
    sheets = "\n".join(path.read_text("utf-8") for path in (UI / "css").glob("*.css"))
    selectors = re.sub(r"\{[^{}]*\}|/\*.*?\*/", "{}", sheets, flags=re.S)
    drawn_by_others = UI / "vendor" / "swagger-ui.css"
    pages = [*SCRIPTS, *PLUGIN_SCRIPTS, *(path for path in OURS if path.suffix == ".html"), drawn_by_others]
    source = "\n".join(path.read_text("utf-8") for path in pages)
    words = set(re.findall(r"[A-Za-z][\w-]*", source))
    # Those that are put together at run time: class=${`s${size}`}.
    built = tuple(re.findall(r"\b([a-z]+)\$\{", source))
    classes = set(re.findall(r"\.([A-Za-z][\w-]*)", selectors))
    assert sorted(one for one in classes - words if not re.fullmatch(rf"({'|'.join(built)})\d+", one)) == []
