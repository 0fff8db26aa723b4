"""Requests nobody would write by hand, sent to a house, and what every answer to them must be."""

from __future__ import annotations

import contextlib
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

NOWHERE = "http://127.0.0.1:9/nobody"
"""An address of this machine at which nobody listens: what is fuzzed must not make the city call strangers."""
IDS = ("urn:x:1", "urn:x:2", "urn:x:3", "urn:x:none")
ENTITIES = [
    {
        "id": identifier,
        "type": ["T", "U"][:number],
        "temperature": {"value": 20.5 * number, "observedAt": "2026-11-21T09:00:00Z"},
        "name": {"languageMap": {"ko": "나무", "en": "tree"}},
        "near": {"object": "urn:x:2"},
        "scope": ["/a/b", "/c"],
        "location": {"type": "Point", "coordinates": [24.94, 60.17]},
    }
    for number, identifier in enumerate(IDS[:3], 1)
]
LEAKS = frozenset({"Traceback", "asyncpg", "site-packages", "postgresql://", "password", "SELECT "})
MEANT = {"/madang/v1/explain": frozenset({"SELECT "})}
"""What a resource is there to tell."""
PROBLEM = {"type", "title", "status"}
OTHERS = {"/api/3/": {"success", "error"}}
"""What a refusal says, RFC 7807's members or what CKAN's clients read."""
UNAVAILABLE = "https://uri.etsi.org/ngsi-ld/errors/LdContextNotAvailable"
TIMEOUT_S = 10


def judge(answer: httpx.Response, told: Any) -> None:
    """`told` shows the request when something is wrong with its answer."""
    nowhere = answer.status_code == 504 and answer.json()["type"] == UNAVAILABLE
    assert answer.status_code < 500 or nowhere, (answer.status_code, answer.text[:500], told)
    leaks = LEAKS - MEANT.get(answer.request.url.path, frozenset())
    assert {leak for leak in leaks if leak in answer.text and leak not in str(told)} == set(), (answer.text[:500], told)
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        members = next((of for path, of in OTHERS.items() if answer.request.url.path.startswith(path)), PROBLEM)
        assert members <= answer.json().keys(), (answer.text[:500], told)


def attack(url: str, document: dict[str, Any], examples: int, chance: int) -> int:
    """Sends about that many good and bad requests to each operation; gives how many were sent."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    operations = [found.ok() for found in schema.get_all_operations()]
    sent = 0
    with httpx.Client(base_url=url, trust_env=False, timeout=TIMEOUT_S) as client:

        def send(case: schemathesis.Case) -> None:
            nonlocal sent
            sent += 1
            request = as_request(client, url, tame(case))
            judge(client.send(request), (request.method, str(request.url), request.content[:2_000]))

        for operation in operations:
            for mode in GenerationMode:
                hunt(operation.as_strategy(generation_mode=mode), send, examples, chance)
    return sent


def hunt(strategy: st.SearchStrategy[Any], send: Any, examples: int, chance: int) -> None:
    """Runs `send` with what the strategy draws, the same each time."""
    quiet = list(HealthCheck)
    bounds = settings(max_examples=examples, database=None, suppress_health_check=quiet, phases=[Phase.generate])
    with contextlib.suppress(Unsatisfiable):  # nothing about this operation can be wrong
        seed(chance)(bounds(given(strategy)(send)))()


def as_request(client: httpx.Client, url: str, case: schemathesis.Case) -> httpx.Request:
    """What schemathesis would send, by the client that all these tests use."""
    names = ("method", "url", "headers", "params", "data", "json", "cookies")
    given_ = {name: value for name, value in case.as_transport_kwargs(base_url=url).items() if name in names}
    ready = requests.Request(**given_).prepare()
    return client.build_request(ready.method, ready.url, headers=dict(ready.headers), content=ready.body or b"")


def tame(case: schemathesis.Case) -> schemathesis.Case:
    """Ids are often those of entities that there are, and addresses lead nowhere."""
    if "id" in case.path_parameters and case.meta.generation.mode is GenerationMode.POSITIVE:
        case.path_parameters["id"] = IDS[len(case.path_parameters["id"]) % len(IDS)]
    for header in ("NGSILD-Tenant", "NGSILD-Snapshot", "Link"):
        (case.headers or {}).pop(header, None)
    if isinstance(case.body, dict):
        if isinstance(case.body.get("endpoint"), str):
            case.body["endpoint"] = NOWHERE
        notification = case.body.get("notification")
        if isinstance(notification, dict) and isinstance(notification.get("endpoint"), dict):
            notification["endpoint"]["uri"] = NOWHERE
    return case
