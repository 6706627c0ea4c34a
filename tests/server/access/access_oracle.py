"""What a person may do and see, worked out from the documents in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VERBS = ("list", "read", "create", "update", "delete")
WIDTH = {"none": 0, "own": 1, "all": 2}


@dataclass(frozen=True)
class Rule:
    """`subject` is the name of a role or of a group; `verb` may be `any`."""

    subject: str
    model: str
    verb: str
    extent: str
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Right:
    extent: str
    hidden: frozenset[str]


@dataclass
class Oracle:
    """The rights of a member in `groups`. A rule for the role replaces the default; groups give more."""

    rules: list[Rule]
    groups: tuple[str, ...]
    defaults: dict[str, str]
    """Models with what members may do by default."""
    unowned: frozenset[str] = field(default_factory=frozenset)

    def right(self, model: str, verb: str) -> Right:
        """A field is hidden when every grant as wide as the right hides it."""
        grants = []
        for subject in ("member", *self.groups):
            found = [it for it in self.rules if (it.subject, it.model) == (subject, model) and it.verb in (verb, "any")]
            found.sort(key=lambda it: it.verb == "any")
            if found:
                grants.append(Right(found[0].extent, frozenset(found[0].hidden)))
            elif subject == "member":
                grants.append(Right(self.defaults[model], frozenset()))
        extent = max((it.extent for it in grants), key=WIDTH.__getitem__)
        hidden = frozenset.intersection(*(it.hidden for it in grants if it.extent == extent))
        if extent == "own" and model in self.unowned and verb != "create":
            extent = "none"
        return Right(extent, hidden)

    def reaches(self, model: str, verb: str, mine: bool) -> bool:
        """Whether a record, theirs or not, is in reach of a verb."""
        extent = self.right(model, verb).extent
        return extent == "all" or (extent == "own" and mine)

    def seen(self, model: str, verb: str, row: dict[str, Any], mine: bool) -> set[str]:
        """The names of the fields of a record that a verb shows."""
        return set(row) - self.right(model, verb).hidden if self.reaches(model, verb, mine) else set()
