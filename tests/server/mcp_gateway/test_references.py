"""`${secret:NAME}`: replaced when a server is started, and nowhere else."""

from __future__ import annotations

import pytest

from server.errors import Conflict
from server.mcp_gateway.upstreams.references import refers_to_secrets, resolved

KNOWN = {"weather": "sun", "inner": "${secret:weather}"}


def test_references_are_replaced_wherever_they_stand_in_a_value() -> None:
    values = {"A": "Bearer ${secret:weather}!", "B": "${secret:weather}${secret:weather}", "C": "$secret {secret:x} $"}
    assert resolved(values, KNOWN.get) == {"A": "Bearer sun!", "B": "sunsun", "C": "$secret {secret:x} $"}
    assert refers_to_secrets(values)
    assert not refers_to_secrets({"C": values["C"]})


def test_what_stands_in_a_secret_is_taken_as_it_is() -> None:
    assert resolved({"A": "${secret:inner}"}, KNOWN.get) == {"A": "${secret:weather}"}


@pytest.mark.parametrize("name", ["nothing", "", "we ather", "../x"])
def test_a_secret_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(Conflict, match="is not there or has no value"):
        resolved({"A": f"${{secret:{name}}}"}, KNOWN.get)
