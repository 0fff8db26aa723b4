"""What a Flight SQL client may want of us, from its messages (format/FlightSql.proto of Apache Arrow). Pure.

Nothing is remembered between its calls: the handle of a statement is the statement.
"""

from __future__ import annotations

from dataclasses import dataclass

from madang.base.errors import BadRequest
from madang.base.limits import LAKE_SQL_MAX_CHARS
from madang.people.flight.wire import fields_of, message

_PACKAGE = "type.googleapis.com/arrow.flight.protocol.sql."
_BYTES_MAX = 8 * LAKE_SQL_MAX_CHARS
CREATE, CLOSE = "CreatePreparedStatement", "ClosePreparedStatement"
LISTS = frozenset(f"CommandGet{name}" for name in ("Catalogs", "DbSchemas", "Tables", "TableTypes", "SqlInfo"))


@dataclass(frozen=True)
class Statement:
    """A question in SQL."""

    sql: str


@dataclass(frozen=True)
class Listing:
    """What there is to ask. `kind`: the command's name; `pattern` of a table's name as LIKE has it; `infos`: codes of SqlInfo."""

    kind: str
    pattern: str = "%"
    has_schema: bool = False
    infos: tuple[int, ...] = ()


Command = Statement | Listing


def command_of(body: bytes) -> Command:
    """Of a descriptor, or of a ticket that we gave. Raises BadRequest."""
    name, inner = _unpacked(body)
    if name in ("CommandStatementQuery", "TicketStatementQuery", "CommandPreparedStatementQuery"):
        return Statement(_text(inner, 1))
    if name == "CommandGetTables":
        return Listing(name, _text(inner, 3) or "%", bool(fields_of(inner).get(5, [0])[0]))
    if name == "CommandGetSqlInfo":
        return Listing(name, infos=_numbers(inner))
    if name in LISTS:
        return Listing(name)
    raise BadRequest(f"{name[:80]} is not possible here: the lake is read by SQL")


def ticket_of(command: Command, body: bytes) -> bytes:
    """By which the rows are got."""
    if isinstance(command, Statement):
        return _packed("TicketStatementQuery", message({1: command.sql.encode()}))
    return body


def prepared(kind: str, body: bytes) -> list[bytes]:
    """The answer to an action. Raises BadRequest."""
    if kind == CLOSE:
        return []
    if kind != CREATE:
        raise BadRequest(f"{kind[:80]} is not possible here: the lake is read by SQL")
    sql = _text(_unpacked(body)[1], 1)
    return [_packed("ActionCreatePreparedStatementResult", message({1: sql.encode()}))]


def _unpacked(body: bytes) -> tuple[str, bytes]:
    """Name and body of what a `google.protobuf.Any` holds."""
    if len(body) > _BYTES_MAX:
        raise BadRequest(f"a question has at most {LAKE_SQL_MAX_CHARS} characters")
    url = _text(body, 1)
    if not url.startswith(_PACKAGE):
        raise BadRequest("a command of Flight SQL, please")
    inner = fields_of(body).get(2, [b""])[-1]
    return url.removeprefix(_PACKAGE), inner if isinstance(inner, bytes) else b""


def _packed(name: str, body: bytes) -> bytes:
    return message({1: f"{_PACKAGE}{name}".encode(), 2: body})


def _text(body: bytes, number: int) -> str:
    value = fields_of(body).get(number, [b""])[-1]
    try:
        return value.decode() if isinstance(value, bytes) else ""
    except UnicodeDecodeError:
        raise BadRequest("text in UTF-8, please") from None


def _numbers(body: bytes) -> tuple[int, ...]:
    """Packed or not."""
    found: list[int] = []
    for value in fields_of(body).get(1, []):
        found += [value] if isinstance(value, int) else [one for one in _packed_numbers(value)]
    return tuple(found)


def _packed_numbers(value: bytes) -> list[int]:
    numbers, now, shift = [], 0, 0
    for byte in value:
        now |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(now)
            now = shift = 0
    return numbers
