"""One listener's stream of changes: what it may know of, as server-sent events."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence

from server.access.actor import Actor
from server.auth.authenticate import concerns
from server.errors import FieldError, RateLimited, ValidationFailed
from server.events.bus import RecordChanged
from server.events.log import EventLog, Logged
from server.records.rules import FEEDING
from server.records.service import Records

HEARTBEAT_SECONDS = 15.0
MAX_SECONDS = 3600.0
"""A stream ends after this; its client comes back with the id of the last event and signs in anew."""
LOOK_SECONDS = 1.0
"""How long a stream may outlive a credential whose end nothing told of."""
PER_PERSON = 20
IN_ALL = 500
MODELS = "models"
"""What events of models themselves are told as; everybody may know that the list is to be read again."""

Clock = Callable[[], float]
IsStill = Callable[[Actor], bool]
"""Whether a credential still lets its Actor in."""


class EventStreams:
    """Opens streams and knows how many there are."""

    def __init__(
        self,
        records: Records,
        log: EventLog,
        clock: Clock,
        is_still: IsStill,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ) -> None:
        self._records = records
        self._is_still = is_still
        self._log = log
        self._clock = clock
        self._heartbeat = heartbeat_seconds
        self._open: Counter[object] = Counter()

    def open(self, actor: Actor, models: str, last_event_id: str | None) -> AsyncGenerator[bytes, None]:
        """The messages for `actor`, of `models` (names with commas; empty: all that are no logs).

        Raises ValidationFailed for a model that is unknown or not theirs to list, RateLimited for one too many.
        """
        names = self._models(actor, models)
        person = actor.user_id or actor.kind
        if self._open[person] >= PER_PERSON:
            raise RateLimited(f"{PER_PERSON} event streams of one person are open, the most there may be.",
                              code="too_many_streams", retry_after=5.0)  # fmt: skip
        if self._open.total() >= IN_ALL:
            raise RateLimited(f"{IN_ALL} event streams are open, the most there may be.", code="too_many_streams",
                              retry_after=5.0)  # fmt: skip
        return self._messages(actor, names, last_event_id, person)

    async def _messages(
        self, actor: Actor, names: frozenset[str] | None, last_event_id: str | None, person: object
    ) -> AsyncGenerator[bytes, None]:
        self._open[person] += 1
        try:
            log, began = self._log, self._clock()
            place = log.last
            known = log.place_of(last_event_id) if last_event_id else place
            # The place is told at once: who is cut off before the first change asks for what came after it.
            yield b"retry: 2000\nid: %s-%d\n\n" % (log.boot.encode(), place if known is None else known)
            if known is not None:
                place = known
            elif last_event_id:
                same_start = last_event_id.startswith(f"{log.boot}-")
                yield self._resync("too_old" if same_start else "restarted", place)
            rights = self._rights(actor, names)
            looked = began
            while not log.ended and self._clock() - began < MAX_SECONDS:
                news = await log.wait(place, self._heartbeat)
                found = log.since(place)
                # Ended credentials are told as changes; the others (a cap, the end of their time) are looked for.
                now = self._clock()
                told = found is None or any(concerns(it.event, actor) for it in found)
                if told or not news or now - looked >= LOOK_SECONDS:
                    looked = now
                    if not self._is_still(actor):
                        return
                if not news:
                    yield b": still here\n\n"
                    continue
                if found is None:
                    # The client takes messages more slowly than they come: it must read everything anew.
                    yield self._resync("too_slow", log.last)
                    return
                place = log.last
                text = b"".join(self._known_to(actor, names, found))
                if any(it.event.model in FEEDING for it in found):
                    before, rights = rights, self._rights(actor, names)
                    text += b"" if before == rights else self._resync("access_changed", place)
                if text:
                    yield text
        finally:
            self._open[person] -= 1
            if not self._open[person]:
                del self._open[person]

    def _models(self, actor: Actor, text: str) -> frozenset[str] | None:
        names = frozenset(filter(None, text.split(",")))
        for name in sorted(names - {MODELS}):
            if name not in self._records.registry or not self._listed(actor, name):
                message = f"there is no model {name!r} that you may list"
                raise ValidationFailed(f"models: {message}", fields={"models": FieldError("unknown_model", message)})
        return names or None

    def _known_to(self, actor: Actor, names: frozenset[str] | None, found: Sequence[Logged]) -> list[bytes]:
        """The messages of what `actor` may know of. Asked once for all changes of one model and owner."""
        known: dict[tuple[str, int | None], bool] = {}
        messages = []
        for logged in found:
            key = logged.event.model, logged.event.owner_id
            if key not in known:
                known[key] = self._may_know(actor, names, logged.event)
            if known[key]:
                messages.append(logged.message)
        return messages

    def _may_know(self, actor: Actor, names: frozenset[str] | None, event: RecordChanged) -> bool:
        if names is not None and event.model not in names:
            return False
        if event.model == MODELS:
            return True
        if event.model not in self._records.registry:
            return False
        spec = self._records.registry.get(event.model)
        if names is None and spec.options.log_cap_setting is not None:
            return False
        extent = self._records.policy.permission(actor, spec, "list").extent
        return extent == "all" or (extent == "own" and event.owner_id == actor.user_id)

    def _listed(self, actor: Actor, name: str) -> bool:
        spec = self._records.registry.get(name)
        return self._records.policy.permission(actor, spec, "list").extent != "none"

    def _rights(self, actor: Actor, names: frozenset[str] | None) -> Sequence[object]:
        policy = self._records.policy
        return [
            policy.permission(actor, it, "list") for it in self._records.registry if names is None or it.name in names
        ]

    def _resync(self, reason: str, place: int) -> bytes:
        return b'id: %s-%d\nevent: resync\ndata: {"reason":"%s"}\n\n' % (
            self._log.boot.encode(), place, reason.encode(),
        )  # fmt: skip
