"""What a worker does: one handler over the events of one key, or over one window. JSON in, JSON out, nothing kept: so it may run in
this process, in another, or on another machine."""

from __future__ import annotations

import copy
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from madang.base.clock import from_iso
from madang.sdk.app import App
from madang.sdk.door import DoorError
from madang.sdk.http import DoorClosed
from madang.sdk.plan import Each, Subject, Windowed, as_json
from madang.sdk.windows import Window

log = logging.getLogger(__name__)
Json = dict[str, Any]
ERROR_MAX_CHARS = 2_000


@dataclass(frozen=True)
class Event:
    """One change of one entity: its place in the log, `c`reated, `u`pdated or `d`eleted, when the city took it, and the changed
    attributes (JSON, or the class the handler asked for). A removed attribute is None."""

    seq: int
    op: str
    at: datetime
    entity: Any

    @property
    def gone(self) -> bool:
        return self.op == "d"


async def work(app: App, task: Json) -> Json:
    """`{"state", "out", "aside"}` of `{"stream", "key", "state"}` with `events` or `window`. Raises DoorClosed and DoorError (500
    and above) when the city is away: then nothing happened."""
    stream = app.plan.stream(task["stream"])
    if isinstance(stream, Windowed):
        return await _window(stream, task)
    return await _events(stream, task)


async def _events(stream: Each, task: Json) -> Json:
    state, out, aside = task["state"], [], []
    for change in task["events"]:
        before = copy.deepcopy(state)
        event = Event(change["seq"], change["op"], from_iso(change["at"]), shown(stream.subject, change["entity"]))
        try:
            out += made(await stream.handler(event, state))
        except Exception as error:
            if is_away(error):
                raise
            state = before
            aside.append((change["seq"], told(error)))
    return {"state": state, "out": out, "aside": aside}


async def _window(stream: Windowed, task: Json) -> Json:
    state, asked = copy.deepcopy(task["state"]), task["window"]
    window = Window(from_iso(asked["begin"]), from_iso(asked["end"]), stream.subject, asked["rows"])
    try:
        return {"state": state, "out": made(await stream.handler(window, state)), "aside": []}
    except Exception as error:
        if is_away(error):
            raise
        return {"state": task["state"], "out": [], "aside": [(0, told(error))]}


def shown(subject: Subject, entity: Json) -> Any:
    return subject.shown(entity)


def made(given: Any) -> list[Json]:
    """What a handler returned, as JSON entities."""
    if given is None:
        return []
    many = given if isinstance(given, Sequence) and not isinstance(given, Mapping) else [given]
    return [as_json(one) for one in many]


def is_away(error: BaseException) -> bool:
    """Whether it is the city that does not answer, not the handler that is wrong."""
    return isinstance(error, DoorClosed) or (isinstance(error, DoorError) and error.status >= 500)


def told(error: Exception) -> str:
    log.error("a handler failed, its event is put aside", exc_info=error)
    return "".join(traceback.format_exception(error))[-ERROR_MAX_CHARS:]
