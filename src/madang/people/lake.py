"""/lake/sql: questions of all that was, in SQL, cut to what the caller may see of the past."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from pathlib import Path

import asyncpg
import msgspec

from madang.base.errors import BadRequest, MadangError, NotAcceptable, NotFound, TooLarge, TooMany, Unavailable
from madang.base.limits import (
    LAKE_SQL_IDS_MAX,
    LAKE_SQL_MEMORY_MB,
    LAKE_SQL_ROWS,
    LAKE_SQL_ROWS_MAX,
    LAKE_SQL_TIME_S,
)
from madang.context.formula_sql import formula_condition
from madang.context.sql import Parameters
from madang.lake.sql.filtering import condition_of
from madang.lake.sql.job import Head, Job, Limits, Sheet
from madang.model.formula import Atom
from madang.people.datasets import DatasetsDoor, shape_of
from madang.people.http import Handler, Request, Response, pick_method, problem
from madang.trust.audit.recorder import Recorder
from madang.trust.caller import Caller

MEDIA = {"json": "application/json", "csv": "text/csv", "arrow": "application/vnd.apache.arrow.stream"}
_JSON = frozenset({"application/json"})
_ERRORS = {error.status: error for error in (BadRequest, TooLarge, TooMany)}
_CHUNK_BYTES = 64 * 1024
_HEAD_MAX_BYTES = 64 * 1024
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """`rows`: how many of the answer at most; `format` (else by `Accept`): json, csv or arrow; `at`: as the lake was then."""

    sql: str
    format: str = ""
    rows: int = LAKE_SQL_ROWS
    at: datetime | None = None


class LakeDoor:
    """`socket`: where the lake's process answers; `datasets`: the way in for files and feeds."""

    def __init__(self, pool: asyncpg.Pool, socket: Path, recorder: Recorder, datasets: DatasetsDoor) -> None:
        self._pool, self._socket, self._recorder = pool, socket, recorder
        self._datasets = datasets
        self._table: dict[str, dict[str, Handler]] = {"sql": {"POST": self._sql}, **datasets.table}

    async def handle(self, request: Request) -> Response:
        try:
            handlers = self._table.get(shape_of(request.parts))
            if handlers is None:
                raise NotFound("nothing here")
            return await pick_method(request, handlers)(request)
        except MadangError as error:
            return problem(error)

    async def _sql(self, request: Request) -> Response:
        asked = await _asked(request)
        form = asked.format or _form(request.header(b"accept"))
        answer = await self.answered(request.caller, asked, form)
        return Response(200, b"", [(b"content-type", MEDIA[form].encode())], stream=answer)

    async def answered(self, caller: Caller, asked: Asked, form: str) -> AsyncIterator[bytes]:
        """The bytes of the answer, cut to what the caller may see. Raises Forbidden, and what the lake says."""
        caller.require("read", "lake")
        where = await condition_of(caller.sight("history"), partial(_find, self._pool))
        limits = Limits(asked.rows, LAKE_SQL_MEMORY_MB, LAKE_SQL_TIME_S)
        sheets = await self._sheets(caller, asked.sql)
        job = Job(asked.sql, where.sql, where.ids, form, limits, sheets=sheets, at=asked.at)
        answer = await self.ask(job)
        # Whoever takes data out of the lake stands on record with the question, as with every export.
        self._recorder.after(caller.name, "lake.ask", "observation", sql=asked.sql[:2_000])
        return answer

    async def _sheets(self, caller: Caller, sql: str) -> dict[str, Sheet]:
        """Data sets that a question may name: those that are published; all, for whoever may read what is not, with the people in them
        hidden."""
        names = [word for word in set(_NAME.findall(sql)) if word == word.lower()]
        found = [one for one in await self._datasets.named(names) if one.columns]
        may = caller.may("read", "datasets")
        for one in found:
            if may or one.state == "published":
                self._datasets.uses.saw(one.id, caller.name, "sql")
        return {
            one.id: Sheet([], one.told.persons, [column.name for column in one.columns])
            if may
            else self._datasets.sheet(one)
            for one in found
            if may or one.state == "published"
        }

    async def ask(self, job: Job) -> AsyncIterator[bytes]:
        """The bytes of the answer. Raises what the lake says, Unavailable when it is away, NotFound in a city without one."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_HEAD_MAX_BYTES)
        except FileNotFoundError:
            raise NotFound("this city has no lake, or it is not up yet") from None
        except OSError:
            raise Unavailable("the lake does not answer") from None
        try:
            writer.write(msgspec.json.encode(job) + b"\n")
            async with asyncio.timeout(job.limits.time_s * 2):
                head = msgspec.json.decode(await reader.readline(), type=Head)
        except (OSError, TimeoutError, ValueError):
            writer.close()
            raise Unavailable("the lake does not answer") from None
        if head.status != 200:
            writer.close()
            raise _ERRORS.get(head.status, Unavailable)(head.detail)
        return _parts(reader, writer)


async def _parts(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
    """Until the end. Raises ConnectionError when it breaks off: the answer then does, too."""
    try:
        while part := await reader.read(_CHUNK_BYTES):
            yield part
    finally:
        writer.close()


async def _asked(request: Request) -> Asked:
    """Raises BadRequest."""
    try:
        asked = msgspec.convert(await request.json(_JSON), Asked)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None
    if asked.format not in ("", *MEDIA):
        raise BadRequest(f"format: one of {', '.join(MEDIA)}")
    if asked.at is not None and asked.at.tzinfo is None:
        raise BadRequest("at: a time with its offset from UTC")
    if not 1 <= asked.rows <= LAKE_SQL_ROWS_MAX:
        raise BadRequest(f"rows: 1 to {LAKE_SQL_ROWS_MAX}")
    return asked


def _form(accept: str) -> str:
    """Of the first that is known. Raises NotAcceptable."""
    for one in (part.partition(";")[0].strip().lower() for part in (accept or "*/*").split(",")):
        found = [form for form, media in MEDIA.items() if one in (media, media.partition("/")[0] + "/*", "*/*")]
        if found:
            return found[0]
    raise NotAcceptable(f"there is {', '.join(MEDIA.values())}")


async def _find(pool: asyncpg.Pool, atom: Atom) -> list[str]:
    """The ids of the entities of now of which it is true. Raises TooLarge."""
    parameters = Parameters()
    condition = formula_condition(atom, parameters)
    sql = f"SELECT id FROM entity WHERE {condition} LIMIT {LAKE_SQL_IDS_MAX + 1}"  # noqa: S608 - values are parameters
    ids = [row["id"] for row in await pool.fetch(sql, *parameters.values)]
    if len(ids) > LAKE_SQL_IDS_MAX:
        raise TooLarge(f"what you may see is cut by more than {LAKE_SQL_IDS_MAX} entities")
    return ids
