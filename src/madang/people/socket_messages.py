"""What a client says on its socket."""

from __future__ import annotations

import msgspec

from madang.base.errors import BadRequest
from madang.base.limits import SOCKET_FRAME_MAX_BYTES
from madang.context.query import Query
from madang.model.context import CORE
from madang.model.geometry import box_query
from madang.model.query import parse_query
from madang.model.render import Form


class Message(msgspec.Struct):
    op: str
    id: str = ""
    types: list[str] = []
    attrs: list[str] | None = None
    bbox: tuple[float, float, float, float] | None = None
    q: str | None = None
    format: str = "concise"
    after: int | None = None

    def wanted(self, page: int) -> tuple[Query, Form]:
        """What to subscribe to, `page` entities at a time, and in which form. Raises BadRequest."""
        if not self.types or self.format not in ("normalized", "concise", "simplified"):
            raise BadRequest(f"{self.op} names types and one of the formats normalized, concise, simplified")
        query = Query(
            types=tuple(CORE.expand(name) for name in self.types),
            q=parse_query(self.q) if self.q else None,
            geo=box_query(",".join(map(str, self.bbox))) if self.bbox else None,
            limit=page,
        )
        return query, Form(self.format, attrs=frozenset(self.attrs) if self.attrs else None)


def read_message(text: str) -> Message:
    """Raises BadRequest."""
    if len(text) > SOCKET_FRAME_MAX_BYTES:
        raise BadRequest(f"a frame has at most {SOCKET_FRAME_MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(text.encode(), type=Message)
    except (msgspec.MsgspecError, UnicodeEncodeError) as error:
        raise BadRequest(f"not a message: {error}") from None
