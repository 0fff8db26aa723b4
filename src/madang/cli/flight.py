"""Arrow Flight SQL of a running city: in the lake's process, which has Arrow; it asks the gateway as any client does."""

from __future__ import annotations

import asyncio
import json
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pyarrow as pa

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
from madang.base.limits import LAKE_SQL_ROWS_MAX, UPSTREAM_BODY_MAX_BYTES, UPSTREAM_TIMEOUT_S
from madang.cli.serving import certificate_files
from madang.people.flight.server import FlightDoor
from madang.sdk.door import DoorError
from madang.sdk.http import DoorClosed
from madang.sdk.lake import Lake

_ERRORS = {one.status: one for one in (BadRequest, Unauthorized, Forbidden, NotFound, Conflict, TooLarge, TooMany)}


class HttpLake:
    """The lake of a city at an address."""

    def __init__(self, address: str) -> None:
        self._address = address

    def rows(self, sql: str, token: str) -> pa.RecordBatchReader:
        lake = Lake(self._address, token)
        try:
            return pa.ipc.open_stream(lake.ask(lake.sql(sql, LAKE_SQL_ROWS_MAX), "arrow"))
        except DoorError as error:
            kind: type[MadangError] = _ERRORS.get(error.status, Unavailable)
            raise kind(str(error)) from None
        except DoorClosed as error:
            raise Unavailable(str(error)) from None

    def tables(self, token: str) -> list[str]:
        """Those that anybody may know of: what is published, and observations."""
        try:
            with urlopen(f"{self._address}/api/3/action/package_list", timeout=UPSTREAM_TIMEOUT_S) as answer:  # noqa: S310
                return ["observation", *json.loads(answer.read(UPSTREAM_BODY_MAX_BYTES))["result"]]
        except (HTTPError, URLError, ValueError, KeyError):
            raise Unavailable("the city does not say what it publishes") from None


async def serve_flight(address: str, port: int | None) -> None:
    """For ever; without a port nobody listens."""
    if port is None:
        await asyncio.Event().wait()
        return
    files = certificate_files()
    certificate = None if files is None else (files[0].read_bytes(), files[1].read_bytes())
    door = FlightDoor(HttpLake(address), port, certificate)
    try:
        await asyncio.to_thread(door.serve)
    finally:
        door.shutdown()
