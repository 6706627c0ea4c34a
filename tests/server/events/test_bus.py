"""The bus tells each subscriber what it listens to."""

from __future__ import annotations

from server.events.bus import Bus, RecordChanged


def test_a_subscriber_hears_of_its_models_alone_and_no_more_once_it_has_ended() -> None:
    bus, all_told, notes_told = Bus(), list[RecordChanged](), list[RecordChanged]()
    bus.subscribe(all_told.append)
    end = bus.subscribe(notes_told.append, ("notes",))
    note, user = RecordChanged("notes", "create", 1, 2), RecordChanged("users", "update", 2, 2)
    bus.publish(note)
    bus.publish(user)
    assert (all_told, notes_told) == ([note, user], [note])
    end()
    end()
    bus.publish(note)
    assert (all_told, notes_told) == ([note, user, note], [note])
    bus.subscribe(notes_told.append, ("users",))
    bus.publish(user)
    assert notes_told == [note, user]
