"""Deliveries: what the outbox stored becomes tasks of the queue, tried for a day, and the webhook's fate with them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson

from server.access.actor import SYSTEM, Actor
from server.config import SettingsHolder
from server.errors import Busy, Conflict, GridBearError, NotFound, StorageFull
from server.events.bus import Bus, RecordChanged
from server.models.task import OPEN_STATES
from server.records.notify import notify
from server.records.service import Records
from server.records.times import now_text, to_text
from server.records.work import Work
from server.tasks.kinds import Kind, TaskFailed
from server.tasks.queue import Tasks
from server.tasks.report import Report
from server.webhooks.answer import Answer
from server.webhooks.outbox import DELIVERIES, WEBHOOKS, store_delivery
from server.webhooks.payload import UnfitFilter, as_seen_now, may_know, owner_now, payload_of

if TYPE_CHECKING:
    from server.webhooks.sending import Sender

log = logging.getLogger(__name__)

WAITS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 36000.0)
"""Seconds after the first, second, … failed attempt: about a day in all."""
AT_ONCE = 3
"""Deliveries of one webhook that are sent at the same time: a slow receiver holds up itself alone."""
TEST_EVENT = "webhook.test"
_PAGE = 200
_RETRY_SECONDS = 5.0
_NOT_THEIRS = "The webhook's owner may not read this any more."


class Deliveries:
    """One server's deliveries. Whatever was committed with a change is sent at least once, under one message id."""

    def __init__(self, records: Records, settings: SettingsHolder, bus: Bus, tasks: Tasks) -> None:
        self._records = records
        self._settings = settings
        self._bus = bus
        self._tasks = tasks
        self._sender: Sender | None = None
        self._news = asyncio.Event()
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Take over what the last process left, and from now on every new delivery. To be called before the queue's."""
        self._stack.push_async_callback(self._stop_sending)
        await self._take_over()
        self._stack.callback(self._bus.subscribe(self._told, (DELIVERIES,)))
        self._news.set()
        worker = asyncio.create_task(self._work(), name="webhooks")
        self._stack.push_async_callback(_cancelled, worker)

    async def stop(self) -> None:
        """Take no new ones any more."""
        await self._stack.aclose()

    async def test(self, actor: Actor, webhook_id: int) -> dict[str, Any]:
        """Send an example at once, also while the webhook is off; the delivery, ended one way or the other.

        Raises NotFound, Forbidden, Conflict when its owner may not enter any more.
        """
        webhook = await self._changeable(actor, webhook_id)
        if owner_now(self._records, webhook["owner_id"]) is None:
            raise Conflict("The webhook's owner may not enter any more, so nothing is sent.", code="owner_gone")
        payload = {"type": TEST_EVENT, "timestamp": now_text(), "data": {"webhook": webhook["name"]}}
        columns = {"webhook_id": webhook_id, "owner_id": webhook["owner_id"], "event": TEST_EVENT, "status": "queued",
                   "payload": orjson.dumps(payload).decode()}  # fmt: skip

        def run(work: Work, _: list[Any]) -> int:
            return store_delivery(self._records.shelf, work.transaction, columns)

        delivery_id = await self._records.work(SYSTEM, run, (DELIVERIES,))
        await self._attempt(await self._records.reveal(SYSTEM, DELIVERIES, delivery_id), last=True)
        return await self._records.get(actor, DELIVERIES, delivery_id)

    async def redeliver(self, actor: Actor, delivery_id: int) -> dict[str, Any]:
        """Send an ended delivery once more, with the same message id; one without a message gets it now.

        Raises NotFound, Forbidden, Conflict.
        """
        self._may_change(actor)
        delivery = await self._records.get(actor, DELIVERIES, delivery_id)
        webhook = await self._changeable(actor, delivery["webhook_id"])
        _refuse_open(delivery)
        if not webhook["enabled"]:
            raise Conflict("The webhook is off; switch it on first.", code="webhook_off")
        has_message = delivery["payload"] is not None
        status = "queued" if has_message else "waiting"
        begun = {"status": status, "attempts": 0, "next_attempt_at": None, "error": None}

        def begin(work: Work, _: list[Any]) -> None:
            may = self._records.policy.permission(SYSTEM, work.prepared(DELIVERIES).spec, "update")
            # Somebody else may have had the same thought.
            _refuse_open(work.stored(work.prepared(DELIVERIES), delivery_id, may))
            work.change(DELIVERIES, delivery_id, begun, may, ("id",))

        # Not `always`: where its task can't be stored, it is not on its way.
        await self._records.work(SYSTEM, begin, (DELIVERIES,))
        if has_message:
            await self._submit(delivery)
        else:
            self._news.set()
        return await self._records.get(actor, DELIVERIES, delivery_id)

    async def expire(self) -> int:
        """Forget deliveries older than `webhook_deliveries_days`, a part at a time. Returns how many went."""
        days = self._settings.current.webhook_deliveries_days
        return await self._records.shelf.expire(DELIVERIES, days)

    # From the outbox to the queue

    async def _take_over(self) -> None:
        """Know the kinds of all tasks that wait, and give a task to what was queued and has none any more."""
        open_tasks: set[int] = set()
        where = {"status__in": OPEN_STATES, "kind__like": "webhook.%"}
        async for task in self._all("tasks", where):
            open_tasks.add(int(task["input"]["delivery"]))
            self._know(task["kind"])
        async for delivery in self._all(DELIVERIES, {"status": "queued"}):
            if delivery["id"] not in open_tasks:
                await self._submit(delivery)

    async def _all(self, model: str, where: dict[str, Any]) -> Any:
        last = 0
        while rows := await self._records.find(SYSTEM, model, where={**where, "id__gt": last}, limit=_PAGE):
            for row in rows:
                yield row
            last = int(rows[-1]["id"])

    def _told(self, event: RecordChanged) -> None:
        if event.verb == "create":
            self._news.set()

    async def _work(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                async for delivery in self._all(DELIVERIES, {"status": "waiting"}):
                    await self._prepare_or_say_why(delivery)
            except GridBearError as error:
                log.warning("webhook deliveries wait: %s", error.message)
                await asyncio.sleep(_RETRY_SECONDS)
                self._news.set()

    async def _prepare_or_say_why(self, delivery: Mapping[str, Any]) -> None:
        try:
            await self._prepare(delivery)
        except NotFound:
            # The webhook was deleted, and its deliveries with it.
            return
        except (Busy, StorageFull):
            raise
        except UnfitFilter as unfit:
            await self._could_not(delivery, str(unfit))
        except Exception:
            # One that can't be made must not hold up the others.
            log.exception("webhook delivery %d", delivery["id"])
            await self._could_not(delivery, "The message could not be made; the log has the details.")

    async def _could_not(self, delivery: Mapping[str, Any], why: str) -> None:
        await self._records.update(SYSTEM, DELIVERIES, delivery["id"], {"status": "failed", "error": why})

    async def _prepare(self, delivery: Mapping[str, Any]) -> None:
        """Make the message of a delivery and let it wait for its turn; or drop what the owner must not know."""
        delivery = await self._records.reveal(SYSTEM, DELIVERIES, int(delivery["id"]))
        webhook = await self._records.reveal(SYSTEM, WEBHOOKS, delivery["webhook_id"])
        owner = owner_now(self._records, webhook["owner_id"])
        payload = None
        if owner is not None and webhook["enabled"]:
            payload = await payload_of(self._records, owner, webhook, delivery)
        if payload is None:
            await self._records.work(
                SYSTEM, lambda work, _: work.erase(DELIVERIES, delivery["id"]), (DELIVERIES,), always=True
            )
            return
        # The task first: should the program end in between, the delivery is prepared anew, and sent twice at most.
        await self._records.update(SYSTEM, DELIVERIES, delivery["id"], {"payload": payload})
        await self._submit(delivery)
        await self._records.update(SYSTEM, DELIVERIES, delivery["id"], {"status": "queued"})

    async def _submit(self, delivery: Mapping[str, Any]) -> None:
        kind = f"webhook.{delivery['webhook_id']}"
        self._know(kind)
        given = {"delivery": delivery["id"]}
        await self._tasks.submit(SYSTEM, kind, f"Webhook: {delivery['event']}", given)

    def _know(self, kind: str) -> None:
        if not self._tasks.knows(kind):
            self._tasks.register(Kind(kind, self._deliver, at_once=AT_ONCE, idempotent=True, attempts=len(WAITS) + 1))

    # From the queue to the address

    async def _deliver(self, _actor: Actor, given: dict[str, Any], _report: Report) -> dict[str, Any]:
        delivery = await self._records.reveal(SYSTEM, DELIVERIES, int(given["delivery"]))
        if delivery["status"] in ("delivered", "failed"):
            return {"status": delivery["status"]}
        last = delivery["attempts"] >= len(WAITS)
        sent_to = self._receiver(delivery)
        answer, wait = await self._attempt(delivery, last=last)
        if answer.error:
            if wait is None:
                await self._ended_badly(delivery, answer, sent_to)
            failure = TaskFailed(answer.error, for_good=wait is None)
            failure.retry_after = wait
            raise failure
        return {"status": answer.status}

    async def _attempt(self, delivery: Mapping[str, Any], *, last: bool) -> tuple[Answer, float | None]:
        """Send once and write down how it went. Returns the answer, and the seconds to wait for the next attempt."""
        answer = await self._answer(delivery)
        attempts = delivery["attempts"] + 1
        wait = None
        if answer.error and not answer.for_good and not last:
            wait = max(answer.retry_after or 0.0, WAITS[attempts - 1]) * (1.0 + secrets.randbelow(100) / 1000)
        told = {
            "attempts": attempts,
            "status": "delivered" if not answer.error else "failed" if wait is None else "queued",
            "answer_status": answer.status,
            "answer_body": answer.body or None,
            "milliseconds": answer.milliseconds,
            "error": answer.error[:1000] or None,
            "delivered_at": None if answer.error else now_text(),
            "next_attempt_at": None if wait is None else to_text(datetime.now(UTC) + timedelta(seconds=wait)),
        }
        with contextlib.suppress(NotFound):
            await self._records.update(SYSTEM, DELIVERIES, delivery["id"], told)
        return answer, wait

    async def _answer(self, delivery: Mapping[str, Any]) -> Answer:
        webhook = await self._records.reveal(SYSTEM, WEBHOOKS, delivery["webhook_id"])
        owner = owner_now(self._records, webhook["owner_id"])
        refused = ""
        if owner is None:
            refused = _NOT_THEIRS
        elif delivery["event"] != TEST_EVENT:
            if not webhook["enabled"]:
                refused = "The webhook was switched off."
            elif not may_know(self._records, owner, delivery):
                refused = _NOT_THEIRS
        if not webhook["secret"]:
            refused = "The webhook has no secret any more; give it a new one."
        if refused or owner is None:
            return Answer(None, "", refused, 0, for_good=True)
        body = orjson.dumps(as_seen_now(self._records, owner, delivery))
        return await self._sending().send(webhook["url"], webhook["secret"], delivery["key"], body)

    def _sending(self) -> Sender:
        if self._sender is None:
            # Brings the HTTP client, without which a server that calls nobody does: 2 MB, and time at the start.
            from server.webhooks.sending import Sender

            self._sender = Sender(lambda: self._settings.current.webhooks_private_addresses)
        return self._sender

    async def _stop_sending(self) -> None:
        if self._sender is not None:
            await self._sender.close()

    def _receiver(self, delivery: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Where a delivery goes now; None without its webhook."""
        webhook = self._records.look_up(SYSTEM, WEBHOOKS, "id", delivery["webhook_id"])
        return None if webhook is None else _place_of(webhook)

    async def _ended_badly(self, delivery: Mapping[str, Any], answer: Answer, sent_to: tuple[Any, ...] | None) -> None:
        """A delivery failed for good: a webhook of which nothing was taken all that time is switched off.

        But one that has another receiver by now: the answer says nothing of that.
        """
        webhook = await self._records.get(SYSTEM, WEBHOOKS, delivery["webhook_id"])
        taken = {"webhook_id": webhook["id"], "status": "delivered", "delivered_at__gte": delivery["created_at"]}
        if not webhook["enabled"] or await self._records.find(SYSTEM, DELIVERIES, where=taken, limit=1):
            return
        reason = answer.error[:1000]

        def switch_off(work: Work, _: list[Any]) -> bool:
            prepared = work.prepared(WEBHOOKS)
            may = self._records.policy.permission(SYSTEM, prepared.spec, "update")
            stored = work.stored(prepared, webhook["id"], may)
            if _place_of(prepared.revealed(tuple(stored.values()))) != sent_to:
                return False
            work.change(WEBHOOKS, webhook["id"], {"enabled": False, "disabled_because": reason}, may, ("id",))
            return True

        # Compared where it is written: a change may wait in the writer's queue.
        if not await self._records.work(SYSTEM, switch_off, (WEBHOOKS,), always=True):
            return
        log.warning("webhook %d was switched off: %s", webhook["id"], reason)
        person = self._records.look_up(SYSTEM, "users", "id", webhook["owner_id"])
        values = {
            "title": f"The webhook {webhook['name']} was switched off"[:200],
            "message": f"Nothing was taken for a while, last: {reason}\nSwitch it on again when the receiver works.",
            "severity": "warning",
            "source": "webhooks",
            "action_url": "#/automations/webhooks",
        }
        username = person["username"] if person is not None and person["is_active"] else None
        with contextlib.suppress(GridBearError):
            await notify(self._records, values, audience="admins", username=username)

    async def _changeable(self, actor: Actor, webhook_id: int) -> dict[str, Any]:
        """The webhook, if it is the actor's to change. Raises NotFound, Forbidden."""
        self._may_change(actor)
        webhook = await self._records.get(actor, WEBHOOKS, webhook_id)
        if not actor.is_admin and webhook["owner_id"] != actor.user_id:
            raise NotFound(f"There is no webhook {webhook_id}.")
        return webhook

    def _may_change(self, actor: Actor) -> None:
        self._records.policy.allow(actor, self._records.registry.get(WEBHOOKS), "update")


def _place_of(webhook: Mapping[str, Any]) -> tuple[Any, ...]:
    return webhook["url"], webhook["secret"], webhook["enabled"]


def _refuse_open(delivery: Mapping[str, Any]) -> None:
    if delivery["status"] in ("waiting", "queued"):
        raise Conflict("This delivery is on its way already.", code="delivery_open")


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
