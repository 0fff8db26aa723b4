"""Protocol Buffers' wire format, as much of it as Flight SQL's messages need: fields with lengths, and whole numbers. Pure.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator

from madang.base.errors import BadRequest

_VARINT, _LENGTH = 0, 2
_BITS_MAX = 63


def fields_of(body: bytes) -> dict[int, list[bytes | int]]:
    """The values of each field by its number. Raises BadRequest for what is no such message."""
    found: dict[int, list[bytes | int]] = {}
    place = 0
    while place < len(body):
        tag, place = _varint(body, place)
        value: bytes | int
        if tag & 7 == _VARINT:
            value, place = _varint(body, place)
        elif tag & 7 == _LENGTH:
            length, place = _varint(body, place)
            value, place = body[place : place + length], place + length
        else:
            raise BadRequest("a message of Flight SQL, please")
        if place > len(body):
            raise BadRequest("a message of Flight SQL that is whole, please")
        found.setdefault(tag >> 3, []).append(value)
    return found


def message(fields: dict[int, bytes]) -> bytes:
    """Of fields with lengths."""
    return b"".join(
        bytes(_varint_of(number << 3 | _LENGTH)) + bytes(_varint_of(len(value))) + value
        for number, value in fields.items()
    )


def _varint(body: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(body) and shift <= _BITS_MAX:
        value |= (body[place] & 0x7F) << shift
        shift, place = shift + 7, place + 1
        if body[place - 1] < 0x80:
            return value, place
    raise BadRequest("a message of Flight SQL that is whole, please")


def _varint_of(value: int) -> Iterator[int]:
    while value > 0x7F:
        yield value & 0x7F | 0x80
        value >>= 7
    yield value
