"""People's pictures: everybody's own to choose, for everybody to see."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped

from server.db.types import FileReference
from server.models.base import OWN, Base, ModelOptions, Owned, Record, Rules, field

AVATAR_BYTES = 2 << 20
_OWN_SEEN_BY_ALL: Rules = {**OWN, "list": "all", "read": "all"}


class Avatar(Owned, Record, Base):
    """A model beside `users`, because files refer to people already: two tables can't refer to each other."""

    __tablename__ = "avatars"
    __owner_delete__ = "CASCADE"
    __table_args__ = (UniqueConstraint("owner_id"),)
    __options__ = ModelOptions(
        label="Picture of a person",
        label_plural="Pictures of people",
        description="The picture that stands for a person; whoever is signed in sees it.",
        group="system",
        title_field="owner_id",
        access={"member": _OWN_SEEN_BY_ALL, "guest": _OWN_SEEN_BY_ALL},
    )

    picture: Mapped[int] = field(
        FileReference,
        label="Picture",
        required=True,
        accept=("image/png", "image/jpeg", "image/webp", "image/gif"),
        max_bytes=AVATAR_BYTES,
    )
