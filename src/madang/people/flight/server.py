"""Arrow Flight SQL: tools ask the lake as `/lake/sql` is asked, and by it: whose token it is, what they may see, how long it may take and
in which process it is answered, all of that is decided there. This door translates, and knows nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import pyarrow as pa
from pyarrow import flight

from madang.base.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    MadangError,
    NotFound,
    TooLarge,
    TooMany,
    Unauthorized,
    Unavailable,
)
from madang.base.limits import FLIGHT_TABLES_MAX
from madang.lake.sql.filtering import quoted_name
from madang.people.flight.commands import CLOSE, CREATE, Listing, Statement, command_of, prepared, ticket_of
from madang.people.flight.lists import listed, matching

_BEARER = "bearer "
_WHO = "who"
_REFUSALS: dict[type[MadangError], Callable[[str], Exception]] = {
    Unauthorized: flight.FlightUnauthenticatedError,
    Forbidden: flight.FlightUnauthorizedError,
    BadRequest: pa.ArrowInvalid,
    TooLarge: pa.ArrowInvalid,
    Conflict: pa.ArrowInvalid,
    NotFound: pa.ArrowKeyError,
    TooMany: flight.FlightUnavailableError,
    Unavailable: flight.FlightUnavailableError,
}


class Asked(Protocol):
    """The lake by `/lake/sql`, for whom a token names; empty: for who comes without a name. Raise MadangError."""

    def rows(self, sql: str, token: str) -> pa.RecordBatchReader: ...

    def tables(self, token: str) -> list[str]: ...


class _Caller(flight.ServerMiddleware):  # type: ignore[misc]
    def __init__(self, token: str) -> None:
        self.token = token


class _Tokens(flight.ServerMiddlewareFactory):  # type: ignore[misc]
    def start_call(self, info: Any, headers: dict[str, list[str]]) -> _Caller:
        given = next((value[0] for name, value in headers.items() if name.lower() == "authorization" and value), "")
        if given and not given.lower().startswith(_BEARER):
            raise flight.FlightUnauthenticatedError("a token of this city, as a bearer, please")
        return _Caller(given[len(_BEARER) :].strip())


class FlightDoor(flight.FlightServerBase):  # type: ignore[misc]
    """Listens from when it is made until `shutdown`. `certificate`: a pair of PEM, chain and key."""

    def __init__(self, asked: Asked, port: int, certificate: tuple[bytes, bytes] | None = None) -> None:
        scheme = "grpc+tls" if certificate else "grpc"
        super().__init__(
            f"{scheme}://127.0.0.1:{port}",
            middleware={_WHO: _Tokens()},
            tls_certificates=[certificate] if certificate else [],
        )
        self._asked = asked

    def get_flight_info(self, context: Any, descriptor: Any) -> flight.FlightInfo:
        with told():
            body = descriptor.command or b""
            ticket = flight.Ticket(ticket_of(command_of(body), body))
            return flight.FlightInfo(None, descriptor, [flight.FlightEndpoint(ticket, [])], -1, -1)

    def do_get(self, context: Any, ticket: Any) -> flight.RecordBatchStream:
        with told():
            command, token = command_of(ticket.ticket), context.get_middleware(_WHO).token
            if isinstance(command, Statement):
                return flight.RecordBatchStream(self._asked.rows(command.sql, token))
            return flight.RecordBatchStream(listed(command, self._tables(command, token)))

    def do_action(self, context: Any, action: Any) -> list[bytes]:
        with told():
            return prepared(action.type, action.body.to_pybytes())

    def list_actions(self, context: Any) -> list[tuple[str, str]]:
        return [(CREATE, "a statement that is asked later"), (CLOSE, "nothing is kept of it")]

    def do_put(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        raise pa.ArrowNotImplementedError("nothing is written by this door")

    def _tables(self, wanted: Listing, token: str) -> dict[str, pa.Schema | None]:
        if wanted.kind != "CommandGetTables":
            return {}
        names = matching(self._asked.tables(token), wanted.pattern)[:FLIGHT_TABLES_MAX]
        return {name: self._schema(name, token) if wanted.has_schema else None for name in names}

    def _schema(self, name: str, token: str) -> pa.Schema:
        with self._asked.rows(f"FROM {quoted_name(name)} LIMIT 0", token) as reader:
            return reader.schema


@contextmanager
def told() -> Iterator[None]:
    """Errors of ours as those of Flight."""
    try:
        yield
    except MadangError as error:
        kind = next((made for base, made in _REFUSALS.items() if isinstance(error, base)), flight.FlightServerError)
        raise kind(error.detail or type(error).__name__) from None
