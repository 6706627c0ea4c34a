"""Leaving: what becomes of a person's records when their account is deleted."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict, dataclass
from typing import Any, Literal

from server.access.actor import SYSTEM, Actor
from server.access.demands import demand_admin
from server.db.faults import translate
from server.errors import Conflict, GridBearError, ValidationFailed
from server.models.registry import ModelSpec
from server.records.rehearsal import rehearsed
from server.records.service import Records
from server.records.shelf import Referrer
from server.records.steady import steady_write
from server.records.work import Work

USERS = "users"
Fate = Literal["to_decide", "transferred", "trashed", "deleted", "cleared", "stay", "end"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to become of the records: they go to somebody, or into the trash; neither is a question only."""

    transfer_to: int | None = None
    trash: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A model, how many of its records refer to the person, and what becomes of them."""

    model: str
    field: str
    records: int
    fate: Fate


class Leaving:
    """Deletes people with everything that is theirs settled, in one unit of work. For admins."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self.shelf = records.shelf

    @steady_write
    async def leave(self, actor: Actor, user_id: int, choice: Choice, *, dry_run: bool = False) -> list[dict[str, Any]]:
        """Delete a person. Returns the table of what became of their records, `dry_run` what would become of them.

        Raises Forbidden, NotFound, ValidationFailed (neither or a wrong choice), Conflict (`last_admin`,
        `transfer_conflict`, `reference_conflict`) naming the record that stands in the way.
        """
        demand_admin(actor, "Only admins delete people.")
        self._check(user_id, choice)
        person = await self._records.get(SYSTEM, USERS, user_id)
        referrers = self.shelf.referrers.get(USERS, ())

        def run(work: Work, _: list[Any]) -> list[Line]:
            lines = [line for one in referrers if (line := self._line(work, one, user_id, choice)) is not None]
            if not any(line.fate == "to_decide" for line in lines):
                self._settle(work, user_id, choice, referrers)
                work.delete(USERS, user_id, self._records.policy.permission(SYSTEM, self._spec(USERS), "delete"))
                how = "trash" if choice.trash else f"to user {choice.transfer_to}" if choice.transfer_to else "nothing"
                work.note("person_left", model=USERS, record_id=user_id, about=person["username"], detail=how)
            return lines

        models = tuple({USERS, *(one.model for one in referrers)})
        lines = await rehearsed(self._records, actor, run, models, dry_run=dry_run, always=choice.trash)
        if not dry_run and any(line.fate == "to_decide" for line in lines):
            raise ValidationFailed("Say what becomes of the records: transfer_to, or trash.", code="to_decide")
        return [asdict(line) for line in lines]

    def _check(self, user_id: int, choice: Choice) -> None:
        if choice.trash and choice.transfer_to is not None:
            raise ValidationFailed.of("trash", "one_of_two", "transfer_to or trash, not both")
        if choice.transfer_to is None:
            return
        heir = self._records.look_up(SYSTEM, USERS, "id", choice.transfer_to)
        if heir is None or not heir["is_active"] or choice.transfer_to == user_id:
            raise ValidationFailed.of("transfer_to", "unknown_user", "another person who is active is wanted")

    def _line(self, work: Work, one: Referrer, user_id: int, choice: Choice) -> Line | None:
        if not self._spec(one.model).options.verbs:
            # Nobody sees records of such a model, so nobody misses them.
            return None
        count = len(self._ids(work, one, user_id))
        return Line(one.model, one.column, count, self._fate(one, choice)) if count else None

    def _fate(self, one: Referrer, choice: Choice) -> Fate:
        spec = self._spec(one.model)
        if one.on_delete == "CASCADE":
            return "end"
        if choice.transfer_to is not None:
            return "transferred"
        if one.on_delete == "SET NULL":
            return "stay"
        if not choice.trash:
            return "to_decide"
        if one.column != spec.owner_column:
            # Somebody else's record that names the person: it stays, without the name.
            return "cleared"
        return "trashed" if spec.options.history else "deleted"

    def _settle(self, work: Work, user_id: int, choice: Choice, referrers: tuple[Referrer, ...]) -> None:
        deleting: list[tuple[str, int]] = []
        for one in referrers:
            fate = self._fate(one, choice)
            if fate in ("trashed", "deleted"):
                deleting += [(one.model, record_id) for record_id in self._ids(work, one, user_id)]
            elif fate in ("transferred", "cleared"):
                for record_id in self._ids(work, one, user_id):
                    self._give(work, one, record_id, choice.transfer_to)
        self._delete(work, deleting)

    def _give(self, work: Work, one: Referrer, record_id: int, heir: int | None) -> None:
        spec = self._spec(one.model)
        may = self._records.policy.permission(SYSTEM, spec, "update")
        try:
            work.change(one.model, record_id, {one.column: heir}, may, ("id",))
        except (sqlite3.IntegrityError, GridBearError) as error:
            raise _named(error, spec.options.label, record_id, "transfer_conflict") from error

    def _delete(self, work: Work, waiting: list[tuple[str, int]]) -> None:
        """Records may refer to each other, so who can't go yet waits for those that went."""
        while waiting:
            left: list[tuple[str, int]] = []
            refusal: Exception | None = None
            for model, record_id in waiting:
                if work.is_gone(model, record_id):
                    continue
                try:
                    work.delete(model, record_id, self._records.policy.permission(SYSTEM, self._spec(model), "delete"))
                except (sqlite3.IntegrityError, Conflict) as error:
                    left.append((model, record_id))
                    refusal = error
            if len(left) == len(waiting):
                model, record_id = left[-1]
                assert refusal is not None
                raise _named(refusal, self._spec(model).options.label, record_id, "reference_conflict") from refusal
            waiting = left

    def _ids(self, work: Work, one: Referrer, user_id: int) -> list[int]:
        sql = work.prepared(one.model).referring(one.column)
        return [row[0] for row in work.transaction.execute(sql, {"id": user_id}).fetchall()]

    def _spec(self, model: str) -> ModelSpec:
        return self._records.registry.get(model)


def _named(error: Exception, label: str, record_id: int, code: str) -> Conflict:
    found = translate(error) if isinstance(error, sqlite3.Error) else error
    assert isinstance(found, GridBearError)
    fields = found.fields if isinstance(found, Conflict) else None
    return Conflict(f"{label} {record_id} stands in the way: {found.message}", code=code, fields=fields)
