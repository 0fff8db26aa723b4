"""What an app declared, before anything of it runs: pure data, so that a city and a test run the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from madang.sdk.values import value_of

Entity = dict[str, Any]
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


class Keeper(Protocol):
    """Where states are kept."""

    def kept(self, name: str) -> dict[str, dict[str, Any]]: ...

    def keep(self, name: str, key: str, state: dict[str, Any]) -> None: ...
