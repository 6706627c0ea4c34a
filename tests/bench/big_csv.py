"""A large CSV with realistic text, the same bytes for the same seed: `python -m tests.bench.big_csv FILE [ROWS]`."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path

ROWS = 1_000_000
SEED = 20260102
HEADER = "title,body,priority,done,due_at,tags\r\n"
_BLOCK = 2000


def _listed(text: str) -> list[str]:
    return text.split()


_FIRST = _listed(
    "Maja Søren Chloé Ólafur Nadia Jürgen Inês Łukasz Aoife Zoë Dmitri Αθηνά 美咲 민준 Priya Kwame Siobhán Raúl "
    "Thandiwe Bjørn Amélie Emre Yuki Fatima Anna Paul Lena Tom Grace Victor"
)
_LAST = _listed(
    "Lindqvist Müller O'Brien García Nowak Papadopoulos 山本 Kim Sharma Mensah Costa Dubois Hansen Yılmaz Okafor "
    "Rossi Novák Ivanova Schmidt Larsen Byrne Silva Takahashi Weber Moreau Jensen Kowalska Haddad"
)
_PRODUCTS = _listed(
    "kettle lamp bicycle desk blanket teapot notebook backpack headset monitor router printer sofa wardrobe mixer "
    "drill ladder tent canoe guitar piano camera tripod lens charger cable battery heater"
)
_KINDS = _listed(
    "oak steel wool cotton glass ceramic bamboo leather aluminium folding wireless vintage spare second-hand"
)
_VERBS = _listed(
    "order return repair paint measure sell review call about photograph insure replace clean lend describe"
)
_WORDS = _listed(
    "the of and to in that it for on with as at by from this they be or had not but what all were when we there can "
    "an your which their said if will each how them then many some so these would other into has more her two like "
    "him time see number way could people than first water been called who its now find long down day did get come "
    "made may part over new sound take only little work know place year live back give most very after thing our "
    "just name good sentence man think say great where help through much before line right too mean old any same "
    "tell boy follow came want show also around form three small set put end does another well large must big even "
    "such because turn here why ask went men read need land different home us move try kind hand picture again "
    "change off play spell air away animal house point page letter mother answer found study still learn should "
    "world delivery invoice warehouse customer colour payment discount shelf supplier contract weather harbour "
    "café naïve façade jalapeño Straße größer übermorgen élève señor smörgåsbord 東京 서울 Москва Ελλάδα 🐻 ✅ 🚲"
)
_TAGS = _listed("home work urgent later garden kitchen travel money health reading idea waiting büro école")


def rows(count: int = ROWS, seed: int = SEED) -> Iterator[str]:
    """The lines of the file after its header, a block of them at a time."""
    pick = random.Random(seed)
    choice, below, several = pick.choice, pick.randrange, pick.choices
    for start in range(0, count, _BLOCK):
        lines = []
        for number in range(start, min(start + _BLOCK, count)):
            title = f"{choice(_VERBS)} {choice(_KINDS)} {choice(_PRODUCTS)} {number}, {choice(_FIRST)} {choice(_LAST)}"
            words = several(_WORDS, k=5 + below(36))
            end = choice((".", ".", "!", "?"))
            body = " ".join(words)
            shape = below(20)
            if shape == 0:
                body = f"{body[: len(body) // 2]}\n{body[len(body) // 2 :]}"
            elif shape == 1:
                body = f'""{body}"" she said'
            tags = ",".join(f'""{tag}""' for tag in sorted(set(several(_TAGS, k=below(4)))))
            priority = "" if shape == 2 else str(below(10))
            due = (
                ""
                if shape < 6
                else (f"20{20 + below(15):02}-{1 + below(12):02}-{1 + below(28):02}T{below(24):02}:{below(60):02}:00Z")
            )
            done = "true" if below(3) == 0 else "false"
            lines.append(f'"{title}","{body}{end}",{priority},{done},{due},"[{tags}]"\r\n')
        yield "".join(lines)


def write(path: Path, count: int = ROWS, seed: int = SEED) -> int:
    """Write the file. Returns its size in bytes."""
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(HEADER)
        file.writelines(rows(count, seed))
    return path.stat().st_size


if __name__ == "__main__":
    target = Path(sys.argv[1])
    size = write(target, int(sys.argv[2]) if len(sys.argv) > 2 else ROWS)
    print(f"{target}: {size / 1e6:.0f} MB")
