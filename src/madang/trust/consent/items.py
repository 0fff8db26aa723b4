"""What a person's own space holds: places, journeys of the week, mobility needs, devices, what ails them, how to reach them. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec

from madang.base.errors import BadRequest
from madang.model.geometry import check_geometry

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Day = Annotated[int, msgspec.Meta(ge=1, le=7)]
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


class Place(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """`location`: a GeoJSON Point."""

    name: Text
    location: dict[str, Any]


class Journey(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """A way that is made each week: `days` of ISO 8601 (1 is Monday), ids of places, and when to leave or to be there (local)."""

    name: Text
    days: Annotated[list[Day], msgspec.Meta(min_length=1, max_length=7)]
    origin: Key
    destination: Key
    depart_at: TimeOfDay | None = None
    arrive_by: TimeOfDay | None = None


class Mobility(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """How somebody gets about. `walk_max_m` in metres, `walk_speed_m_per_s` in metres a second."""

    wheelchair: bool = False
    avoid_stairs: bool = False
    low_vision: bool = False
    low_hearing: bool = False
    stroller: bool = False
    walk_max_m: Annotated[int, msgspec.Meta(ge=0, le=50_000)] | None = None
    walk_speed_m_per_s: Annotated[float, msgspec.Meta(gt=0, le=5)] | None = None
    languages: Annotated[list[Text], msgspec.Meta(max_length=10)] = []


class OwnDevice(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A thing of the person that senses for them; `entity` is the id by which the city knows it, if it does."""

    name: Text
    entity: Text | None = None


class Health(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """What makes bad air, heat or cold worse for somebody."""

    asthma: bool = False
    lung_disease: bool = False
    heart_disease: bool = False


class Contact(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """How to reach somebody. `phone`: as one dials it, digits with + - and blanks."""

    phone: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 \-]{5,19}$")]


KINDS: dict[str, type[msgspec.Struct]] = {
    "place": Place,
    "journey": Journey,
    "mobility": Mobility,
    "device": OwnDevice,
    "health": Health,
    "contact": Contact,
}


def members_of(kind: str) -> frozenset[str]:
    """The members an item of the kind may have, as they are written. Raises BadRequest for no kind."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(known(kind)))


def known(kind: str) -> type[msgspec.Struct]:
    """Raises BadRequest for a kind that is not there."""
    found = KINDS.get(kind)
    if found is None:
        raise BadRequest(f"no kind {kind[:40]!r}: one of {', '.join(sorted(KINDS))}")
    return found


def check_item(kind: str, key: str, body: Any) -> dict[str, Any]:
    """The item as it is kept. Raises BadRequest naming the member that is wrong."""
    shape = known(kind)
    if not _KEY.match(key):
        raise BadRequest("an item's id has 1 to 64 letters, digits, - or _")
    try:
        item = msgspec.convert(body, shape)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{kind}: {error}") from None
    if isinstance(item, Place):
        check_geometry(item.location, "location")
        if item.location["type"] != "Point":
            raise BadRequest("location: a place is a Point")
    if isinstance(item, Journey) and (item.depart_at is None) == (item.arrive_by is None):
        raise BadRequest("a journey has departAt or arriveBy")
    return dict(msgspec.to_builtins(item))
