"""Conditional requests (RFC 9110, 13): versions of what is shown, as entity tags.

A tag is `"<version>-<check>"`: the version in hexadecimal says which change left the resource so, the check tells the
representations of one version apart. What has no version has the check alone.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from madang.base.errors import PreconditionFailed
from madang.model.condition import ANY
from madang.people.http import Request, Response

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_VERSION = re.compile(rb'"([1-9a-f][0-9a-f]{0,15})-[0-9a-f]{16}"')


def tag_of(body: bytes, version: int = 0) -> bytes:
    """The tag of a representation; 0 stands for a resource without versions."""
    check = blake2b(body, digest_size=8).hexdigest()
    return (f'"{version:x}-{check}"' if version else f'"{check}"').encode()


def tagged(request: Request, response: Response, version: int = 0) -> Response:
    """A response to GET with its tag, or 304 when the asker has it already; other than 200 as it is."""
    return with_tag(request, response, tag_of(response.body, version)) if response.status == 200 else response


def with_tag(request: Request, response: Response, tag: bytes) -> Response:
    """As `tagged`, when the tag is known."""
    wanted = request.headers.get(b"if-none-match")
    if wanted is not None and (wanted.strip() == b"*" or tag in [found[1] for found in _TAG.findall(wanted)]):
        return Response(304, b"", [(b"etag", tag)])
    response.headers.append((b"etag", tag))
    return response


def is_conditional(request: Request) -> bool:
    """Whether a write is to be done under a condition on versions."""
    return b"if-match" in request.headers or b"if-none-match" in request.headers


def versions(request: Request, header: bytes) -> frozenset[int] | None:
    """The versions that If-Match or If-None-Match speaks of; None without the header. A weak tag is none (RFC 9110, 8.8.3.2)."""
    text = request.headers.get(header)
    if text is None:
        return None
    if text.strip() == b"*":
        return frozenset({ANY})
    strong = [found[1] for found in _TAG.findall(text) if not found[0]]
    return frozenset(int(found[1], 16) for tag in strong if (found := _VERSION.fullmatch(tag)))


def version_of(moment: datetime) -> int:
    """The version of what is told apart by when it was last modified."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def seen_in(request: Request, modified: datetime) -> datetime | None:
    """When the write of a resource is only to be done as it was last modified at `modified`: that moment, for the database to
    check once more; None without a condition. Raises PreconditionFailed."""
    if not is_conditional(request):
        return None
    version = version_of(modified)
    match, none_match = versions(request, b"if-match"), versions(request, b"if-none-match")
    if match is not None and match.isdisjoint({ANY, version}):
        raise PreconditionFailed("the resource is not as If-Match says")
    if none_match is not None and not none_match.isdisjoint({ANY, version}):
        raise PreconditionFailed("the resource is as If-None-Match says")
    return modified


def refuse_condition(request: Request) -> None:
    """Where no version is kept a condition cannot hold, and is not passed over. Raises PreconditionFailed."""
    if is_conditional(request):
        raise PreconditionFailed("no version of this is kept here: ask without If-Match and If-None-Match")
