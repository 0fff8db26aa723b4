"""What a request at the app door counts for. Pure."""

from __future__ import annotations

from madang.people.http import Response

_ONE = ("/ngsi-ld/v1/entities/", "/ngsi-ld/v1/temporal/entities/")
_ASKING = frozenset({"GET", "HEAD"})
_ASKED_BY_POST = frozenset({"/ngsi-ld/v1/entityOperations/query", "/ngsi-ld/v1/temporal/entityOperations/query"})


def amounts(method: str, path: str, response: Response) -> dict[str, int]:
    """By measure of `runtime/meter.py`. What was refused is a message and nothing else."""
    out = {"messages": 1}
    if response.status >= 400:
        return out
    if method in _ASKING or path in _ASKED_BY_POST:
        is_one = path.startswith(_ONE) and method == "GET"
        return out | {"reads": response.entities or int(is_one)}
    if path == "/madang/v1/commands":
        return out | {"commands": response.written}
    if path.startswith("/ngsi-ld/v1/"):
        return out | {"writes": response.written}
    return out
