"""What `requirements` of a manifest ask for, and what the program itself has of it.

`packaging` is imported where it is used: most starts have no plugin with requirements.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def parsed(text: str) -> Requirement:
    """One requirement. Raises ValueError that says what is wanted."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise ValueError("a requirement such as humanize>=4 is wanted") from None
    if requirement.url is not None:
        raise ValueError("a name and versions such as humanize>=4 are wanted, no address")
    return requirement


def asked(requirements: Iterable[str]) -> list[Requirement]:
    """Those that count on this computer."""
    found = [parsed(text) for text in requirements]
    return [one for one in found if one.marker is None or one.marker.evaluate()]


def found_on(path: list[str]) -> dict[str, str]:
    """The version by name of every library on `path`."""
    from packaging.utils import canonicalize_name

    return {
        canonicalize_name(one.metadata["Name"]): one.version
        for one in importlib.metadata.distributions(path=path)
        if one.metadata["Name"]
    }


def clashes(requirements: Collection[str], owners: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What can't be together, in sentences. `owners`: who has which versions by name."""
    from packaging.utils import canonicalize_name

    found = []
    for requirement in asked(requirements):
        for owner, versions in owners.items():
            version = versions.get(canonicalize_name(requirement.name))
            if version is not None and not requirement.specifier.contains(version, prereleases=True):
                found.append(f"it asks for {requirement}, and {owner} has {requirement.name} {version}")
    return found


def missing(requirements: Collection[str], versions: Mapping[str, str]) -> list[str]:
    """Those that none of `versions` fills."""
    from packaging.utils import canonicalize_name

    return [
        str(requirement)
        for requirement in asked(requirements)
        if (version := versions.get(canonicalize_name(requirement.name))) is None
        or not requirement.specifier.contains(version, prereleases=True)
    ]
