"""/lake/datasets, /lake/arrivals: files and feeds come into the lake, and a person decides on what waits in quarantine."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import unquote

import msgspec

from madang.base.errors import BadRequest, Conflict, NotFound, TooLarge
from madang.base.limits import LAKE_FILE_MAX_BYTES, QUERY_MAX_PAGE
from madang.lake.datasets.dataset import Dataset, Described
from madang.lake.datasets.house import DataHouse
from madang.lake.datasets.inbox import take
from madang.lake.feeds.feed import Wanted
from madang.lake.files.report import Hints
from madang.lake.publishing.spec import Figures
from madang.people.acts import acted
from madang.people.figures import question_of
from madang.people.http import Handler, Request, Response
from madang.trust.audit.recorder import Recorder

T = TypeVar("T")
_JSON = frozenset({"application/json"})
_WITH_ID = frozenset({"datasets", "arrivals"})


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a file may go on, or may not; `hints` as it is to be read then."""

    why: str
    hints: Hints = Hints()


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be published; without `columns` all but those that name people. `of_places`: columns whose names and addresses are
    those of places; `figures`: noisy ones are published instead of rows."""

    columns: list[str] = []
    of_places: list[str] = []
    figures: Figures | None = None


class DatasetsDoor:
    """`inbox`: where files lie until the lake's process has read them."""

    def __init__(self, house: DataHouse, recorder: Recorder) -> None:
        self._book, self._feeds, self._inbox, self._recorder = house.book, house.feeds, house.inbox, recorder
        self._publications, self.uses, self.sheet = house.publications, house.uses, house.sheet

    async def named(self, names: list[str]) -> list[Dataset]:
        """Data sets of those names."""
        return await self._book.named(names)

    @property
    def table(self) -> dict[str, dict[str, Handler]]:
        return {
            "datasets": {"GET": self._list, "POST": self._make},
            "datasets/*": {"GET": self._get, "PUT": self._describe},
            "datasets/*/files": {"GET": self._files, "POST": self._upload},
            "datasets/*/feed": {"GET": self._feed, "PUT": self._put_feed, "DELETE": self._drop_feed},
            "datasets/*/publications": {"GET": self._versions, "POST": self._publish},
            "datasets/*/publications/*/approve": {"POST": self._approve},
            "datasets/*/publications/*/decline": {"POST": self._decline},
            "datasets/*/withdraw": {"POST": self._withdraw},
            "arrivals": {"GET": self._arrivals},
            "arrivals/*": {"GET": self._arrival},
            "arrivals/*/release": {"POST": self._release},
            "arrivals/*/reject": {"POST": self._reject},
        }

    async def _list(self, request: Request) -> Response:
        """By id; `after` is where the page before ended."""
        request.caller.require("read", "datasets")
        limit = _limit(request)
        found = await self._book.list_all(limit, request.query.get("after", ""))
        return Response.json([msgspec.structs.replace(one, report=None) for one in found])

    async def _make(self, request: Request) -> Response:
        """`{"id": ..., ...}` with what is said of it."""
        who = self._manager(request)
        told = await request.json(_JSON)
        if not isinstance(told, dict) or not isinstance(told.get("id"), str):
            raise BadRequest("id: the data set's")
        identifier = told.pop("id")
        act = self._book.make(identifier, _converted(told, Described), who)
        await acted(self._recorder, who, "dataset.make", identifier, act)
        return Response(201, b"", [(b"location", f"/lake/datasets/{identifier}".encode())])

    async def _get(self, request: Request) -> Response:
        request.caller.require("read", "datasets")
        return Response.json(await self._book.get(request.parts[1]))

    async def _describe(self, request: Request) -> Response:
        who, identifier = self._manager(request), request.parts[1]
        told = _converted(await request.json(_JSON), Described)
        await acted(self._recorder, who, "dataset.describe", identifier, self._book.describe(identifier, told))
        return Response(204)

    async def _files(self, request: Request) -> Response:
        """Those that came for it, the latest first."""
        request.caller.require("read", "datasets")
        return Response.json(await self._book.arrivals(_limit(request), request.parts[1]))

    async def _upload(self, request: Request) -> Response:
        """The body is the file; `name` in the query, and hints as JSON. Answers when it is whole; its fate stands at `location`."""
        who, query = self._manager(request), request.query
        declared = request.header(b"content-length")
        if declared.isdigit() and int(declared) > LAKE_FILE_MAX_BYTES:
            raise TooLarge(f"a file may have {LAKE_FILE_MAX_BYTES} bytes")
        name = unquote(query.get("name", ""))
        if not name:
            raise BadRequest("name: the file's, by whose end its format is known")
        hints = _hints(query.get("hints", ""))
        act = take(self._book, self._inbox, request.parts[1], name, request.parts_of_body(), hints, who)
        taken = await acted(self._recorder, who, "dataset.send", request.parts[1], act)
        return Response(202, b"", [(b"location", f"/lake/arrivals/{taken.arrival}".encode())])

    async def _feed(self, request: Request) -> Response:
        request.caller.require("read", "datasets")
        return Response.json(await self._feeds.find(request.parts[1]))

    async def _put_feed(self, request: Request) -> Response:
        who, identifier = self._manager(request), request.parts[1]
        wanted = _converted(await request.json(_JSON), Wanted)
        await acted(self._recorder, who, "dataset.feed", identifier, self._feeds.put(identifier, wanted, who))
        return Response(204)

    async def _drop_feed(self, request: Request) -> Response:
        who, identifier = self._manager(request), request.parts[1]
        await acted(self._recorder, who, "dataset.unfeed", identifier, self._feeds.drop(identifier))
        return Response(204)

    async def _arrivals(self, request: Request) -> Response:
        """`state`: waiting, quarantined, loaded or rejected; of all without."""
        request.caller.require("read", "datasets")
        state: Any = request.query.get("state", "")
        return Response.json(await self._book.arrivals(_limit(request), "", *([state] if state else [])))

    async def _arrival(self, request: Request) -> Response:
        request.caller.require("read", "datasets")
        return Response.json(await self._book.arrival(request.parts[1]))

    async def _release(self, request: Request) -> Response:
        """Whoever sent a file does not release it."""
        who, identifier = self._manager(request), request.parts[1]
        decision = _converted(await request.json(_JSON), Decision)
        if (await self._book.arrival(identifier)).sent_by == who:
            raise Conflict("somebody else releases what you sent", reason="release_own")
        act = self._book.release(identifier, decision.hints, who, decision.why)
        await acted(self._recorder, who, "dataset.release", identifier, act)
        return Response(204)

    async def _reject(self, request: Request) -> Response:
        who, identifier = self._manager(request), request.parts[1]
        decision = _converted(await request.json(_JSON), Decision)
        await acted(self._recorder, who, "dataset.reject", identifier, self._book.reject(identifier, who, decision.why))
        return Response(204)

    async def _versions(self, request: Request) -> Response:
        """The latest first, with what the gate found."""
        request.caller.require("read", "datasets")
        return Response.json(await self._publications.of(request.parts[1]))

    async def _publish(self, request: Request) -> Response:
        """Wants a version published: it is checked, then somebody else approves it."""
        who, identifier = self._manager(request), request.parts[1]
        wanted = _converted(await request.json(_JSON), Version)
        if wanted.figures is not None:
            question_of(wanted.figures).check()
        dataset = await self._book.get(identifier)
        act = self._publications.ask(dataset, wanted.columns, who, wanted.of_places, wanted.figures)
        version = await acted(self._recorder, who, "dataset.publish", identifier, act)
        return Response.json({"version": version}, 202)

    async def _approve(self, request: Request) -> Response:
        who, identifier, version, why = await self._judged(request)
        act = self._publications.approve(identifier, version, who, why)
        await acted(self._recorder, who, "dataset.approve", f"{identifier} {version}", act)
        return Response(204)

    async def _decline(self, request: Request) -> Response:
        who, identifier, version, why = await self._judged(request)
        act = self._publications.decline(identifier, version, who, why)
        await acted(self._recorder, who, "dataset.decline", f"{identifier} {version}", act)
        return Response(204)

    async def _withdraw(self, request: Request) -> Response:
        """All versions, from now on."""
        who, identifier = self._manager(request), request.parts[1]
        why = _converted(await request.json(_JSON), Decision).why
        await acted(
            self._recorder, who, "dataset.withdraw", identifier, self._publications.withdraw(identifier, who, why)
        )
        return Response(204)

    async def _judged(self, request: Request) -> tuple[str, str, int, str]:
        """Who, of which data set, which version, why. Raises NotFound."""
        who, text = self._manager(request), request.parts[3]
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise NotFound("there is no such version", reason="publication_none")
        return who, request.parts[1], int(text), _converted(await request.json(_JSON), Decision).why

    def _manager(self, request: Request) -> str:
        request.caller.require("manage", "datasets")
        return request.caller.name


def shape_of(parts: list[str]) -> str:
    """A path with its id as a star."""
    is_version = parts[2:3] == ["publications"]
    stars = {1, 3} if is_version else {1}
    return "/".join("*" if place in stars and parts[0] in _WITH_ID else part for place, part in enumerate(parts))


def _converted(told: Any, kind: type[T]) -> T:
    """Raises BadRequest with the place of the fault."""
    try:
        return msgspec.convert(told, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def _hints(text: str) -> Hints:
    try:
        return msgspec.json.decode(text or "{}", type=Hints)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"hints: {error}") from None


def _limit(request: Request) -> int:
    """Raises BadRequest."""
    text = request.query.get("limit", "100")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= QUERY_MAX_PAGE:
        raise BadRequest(f"limit: 1 to {QUERY_MAX_PAGE}")
    return int(text)
