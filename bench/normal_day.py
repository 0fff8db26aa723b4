"""A normal day of a city's door, by seed: apps, people, devices and strangers as they are when nobody attacks. Times in seconds of the
day. With what looks like an attack and is none: a nightly export, people who mistype, robots that look for pages, a sensor's bad hour."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from madang.trust.defence.access import Access

DAY_S = 86_400.0
TYPES = ("Vehicle", "TrafficFlowObserved", "AirQualityObserved", "Building", "RoadAccident", "NoiseLevelObserved")


@dataclass(frozen=True)
class Reading:
    """One report of a device."""

    at_s: float
    device: str
    values: dict[str, float]


Event = Access | Reading


def busy(at_s: float) -> float:
    """How busy the hour is, 0.15 at night to 1 in the afternoon."""
    return 0.575 - 0.425 * math.cos((at_s / DAY_S * 24 - 3) / 24 * 2 * math.pi)


def get(at_s: float, who: str, source: str, path: str, entities: int = 0, status: int = 200, query: str = "") -> Access:
    size = 300 + entities * 450 if status == 200 else 120
    return Access(at_s, who, source, "GET", path, status, entities, size, query.removeprefix("type=").partition("&")[0])


def app(rng: random.Random, name: str) -> Iterator[Event]:
    """Asks the same few things again and again."""
    period_s, wanted = rng.choice([1.0, 2.0, 5.0, 10.0]), rng.sample(TYPES, rng.randint(1, 3))
    at_s, usual = rng.uniform(0, period_s), rng.randint(5, 120)
    while at_s < DAY_S:
        kind, entities = rng.choice(wanted), max(0, int(rng.gauss(usual * busy(at_s), usual * 0.1)))
        yield get(at_s, f"app:{name}", "app-door", "/ngsi-ld/v1/entities", entities, query=f"type={kind}&limit=1000")
        if rng.random() < 0.1:
            yield get(at_s + 0.01, f"app:{name}", "app-door", f"/ngsi-ld/v1/entities/urn:{rng.randint(1, 99)}", 1)
        at_s += rng.uniform(0.8, 1.2) * period_s


def person(rng: random.Random, name: str) -> Iterator[Event]:
    """Some visits in office hours; mistypes now and then, follows a dead link now and then."""
    source = f"198.51.100.{rng.randint(1, 80)}"
    for _ in range(rng.randint(2, 8)):
        at_s = rng.triangular(7 * 3600, 20 * 3600, 14 * 3600)
        for _ in range(rng.choice([0, 0, 0, 1, 2, 4])):
            yield Access(at_s, "anonymous", source, "POST", "/identity/sign-in", 401, 0, 120)
            at_s += rng.uniform(2, 10)
        for _ in range(rng.randint(5, 80)):
            status = rng.choices([200, 404, 403], [0.96, 0.03, 0.01])[0]
            path = f"/ngsi-ld/v1/entities/urn:{rng.randint(1, 500)}" if rng.random() < 0.5 else "/ngsi-ld/v1/entities"
            yield get(
                at_s, f"person:{name}", source, path, rng.choice([1, 20, 50]), status, "type=" + rng.choice(TYPES)
            )
            at_s += rng.expovariate(1 / 6)


def analyst(rng: random.Random, name: str) -> Iterator[Event]:
    """Exports much every two hours: that is its habit, and no attack."""
    for hour in range(1, 24, 2):
        at_s = hour * 3600 + rng.uniform(0, 60)
        for _ in range(rng.randint(25, 40)):
            yield get(at_s, f"person:{name}", "198.51.100.90", "/ngsi-ld/v1/entities", 800, query="type=Vehicle")
            at_s += rng.uniform(6, 12)


def device(rng: random.Random, name: str) -> Iterator[Event]:
    """Reports by its clock; one in twenty has a bad hour with noise."""
    period_s, level, swing = rng.choice([20.0, 30.0, 60.0]), rng.uniform(10, 60), rng.uniform(1, 8)
    noise, bad_s = swing * 0.2, rng.uniform(0, DAY_S) if rng.random() < 0.05 else 2 * DAY_S
    at_s = rng.uniform(0, period_s)
    while at_s < DAY_S:
        loud = 3.0 if bad_s <= at_s < bad_s + 3600 else 1.0
        value = level + swing * math.sin(at_s / DAY_S * 2 * math.pi) + rng.gauss(0, noise * loud)
        yield Reading(at_s, f"device:{name}", {"value": value})
        at_s += rng.uniform(0.95, 1.05) * period_s


def stranger(rng: random.Random, address: str) -> Iterator[Event]:
    """Looks at the page; robots ask for what every robot asks for."""
    for _ in range(rng.randint(1, 12)):
        at_s = rng.uniform(0, DAY_S)
        for path in ("/", "/assets/index.js", "/assets/index.css", "/madang/v1/city", "/madang/v1/status"):
            yield get(at_s, "anonymous", address, path)
            at_s += rng.uniform(0.05, 0.5)
        for path in rng.sample(
            ("/robots.txt", "/favicon.ico", "/sitemap.xml", "/.well-known/x", "/ads.txt"), rng.randint(0, 5)
        ):
            yield get(at_s, "anonymous", address, path, status=404)
            at_s += rng.uniform(0.1, 2)


def normal_day(seed: int) -> list[Event]:
    """All of them in the order of time."""
    rng = random.Random(seed)
    makers = (
        [app(rng, f"org.example.app{n}") for n in range(10)]
        + [person(rng, f"p{n}") for n in range(40)]
        + [analyst(rng, f"analyst{n}") for n in range(2)]
        + [device(rng, f"sensor{n}") for n in range(100)]
        + [stranger(rng, f"203.0.113.{n}") for n in range(60)]
    )
    return sorted((event for one in makers for event in one if event.at_s < DAY_S), key=lambda event: event.at_s)
