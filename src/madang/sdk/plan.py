"""What an app declared, before anything of it runs: pure data, so that a city and a test run the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from madang.sdk.http import Answer
from madang.sdk.values import value_of

Entity = dict[str, Any]
Types = str | type[Any]
TOKEN = "MADANG_APP_TOKEN"  # noqa: S105 - the variable's name
OnEntity = Callable[[Any, bool], Awaitable[None]]
OnBeat = Callable[[], Awaitable[None]]
OnErase = Callable[[Mapping[str, Any]], Awaitable[int]]
Made = Sequence[Any] | Mapping[str, Any] | None
OnEvent = Callable[[Any, dict[str, Any]], Awaitable[Made]]
OnWindow = Callable[[Any, dict[str, Any]], Awaitable[Made]]
OnRequest = Callable[[Any], Awaitable[Any]]


@dataclass(frozen=True)
class Subject:
    """Entities of some types with an optional narrowing. `shape`: the class that a handler is given instead of JSON."""

    types: tuple[str, ...]
    attrs: tuple[str, ...] = ()
    where: str = ""
    shape: Any = None

    def shown(self, entity: Entity) -> Any:
        return entity if self.shape is None else self.shape.from_json(entity)


@dataclass(frozen=True)
class Hear:
    """`App.on`."""

    name: str
    subject: Subject
    handler: OnEntity


@dataclass(frozen=True)
class Each:
    """`App.each`. `key`: the attribute whose value says whose state it is."""

    name: str
    subject: Subject
    key: str
    handler: OnEvent

    def key_of(self, entity: Entity) -> str | None:
        """None when what changed does not say it."""
        found = value_of(entity.get(self.key))
        return None if found is None else str(found)


@dataclass(frozen=True)
class Windowed:
    """`App.window`. Seconds; a window of `length_s` ends every `every_s`, once `late_s` more have passed."""

    name: str
    subject: Subject
    length_s: float
    every_s: float
    late_s: float
    handler: OnWindow


@dataclass(frozen=True)
class Beat:
    """`App.every`: of the city's time, or of the wall clock."""

    seconds: float
    city_time: bool
    handler: OnBeat


@dataclass(frozen=True)
class Cron:
    """`App.cron`: five fields, in the city's time zone and time."""

    expression: str
    handler: OnBeat


@dataclass(frozen=True)
class PageOf:
    """`App.page`."""

    path: str
    methods: tuple[str, ...]
    handler: OnRequest


@dataclass
class Plan:
    hears: list[Hear] = field(default_factory=list)
    eaches: list[Each] = field(default_factory=list)
    windows: list[Windowed] = field(default_factory=list)
    beats: list[Beat] = field(default_factory=list)
    crons: list[Cron] = field(default_factory=list)
    starts: list[OnBeat] = field(default_factory=list)
    stops: list[OnBeat] = field(default_factory=list)
    pages: list[PageOf] = field(default_factory=list)

    @property
    def streams(self) -> list[Each | Windowed]:
        return [*self.eaches, *self.windows]

    def stream(self, name: str) -> Each | Windowed:
        """Raises KeyError."""
        return {one.name: one for one in self.streams}[name]


class Outside(Protocol):
    """The way out of the city."""

    async def fetch(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer: ...


class Keeper(Protocol):
    """Where states are kept."""

    def kept(self, name: str) -> dict[str, dict[str, Any]]: ...

    def keep(self, name: str, key: str, state: dict[str, Any]) -> None: ...


def as_json(entity: Any) -> Entity:
    """Of a typed entity, or JSON as it is."""
    found: Entity = entity.to_json() if hasattr(entity, "to_json") else dict(entity)
    return found


def subject_of(types: Sequence[Types], where: str, attrs: Sequence[str]) -> Subject:
    if not types:
        raise ValueError("name at least one type")
    names = tuple(one if isinstance(one, str) else str(one.TYPE) for one in types)
    shape = types[0] if len(types) == 1 and not isinstance(types[0], str) else None
    return Subject(names, tuple(attrs), where, shape)


def stream_name(plan: Plan, handler: Any) -> str:
    """State is kept under the handler's name: renamed, it begins anew. Raises ValueError."""
    name = str(handler.__name__)
    if any(one.name == name for one in plan.streams):
        raise ValueError(f"two handlers are called {name}")
    return name
