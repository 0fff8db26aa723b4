"""A resource of a CKAN portal: its own record says where the file is and when it changed (action API 3)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

import aiohttp
import msgspec

from madang.lake.feeds.feed import Feed, Pulled
from madang.lake.feeds.paged import get_json
from madang.lake.feeds.plain import get_changed

_RESOURCE = re.compile(r"/resource/([0-9A-Za-z_-]+)")


async def pull(session: aiohttp.ClientSession, feed: Feed) -> Pulled | None:
    """Raises aiohttp.ClientError, TimeoutError, ValueError."""
    told = await get_json(session, record_of(feed.wanted.address))
    resource = told.get("result")
    if not told.get("success") or not isinstance(resource, dict) or not resource.get("url"):
        raise ValueError("CKAN knows no such resource")
    changed = str(resource.get("hash") or "") or str(resource.get("last_modified") or "")
    if changed and changed == feed.etag:
        return None
    found = await get_changed(session, urljoin(feed.wanted.address, str(resource["url"])), _anew(feed))
    assert found is not None  # nothing was said of a change
    name = found.name if "." in found.name else f"{found.name}.{str(resource.get('format', '')).lower()}"
    return Pulled(name, found.parts, changed)


def record_of(address: str) -> str:
    """The address of what CKAN says of a resource. Raises ValueError."""
    match = _RESOURCE.search(urlsplit(address).path)
    if match is None:
        raise ValueError("an address like https://HOST/dataset/NAME/resource/ID")
    before = urlsplit(address).path.split("/dataset/")[0]
    return urljoin(address, f"{before}/api/3/action/resource_show?id={match[1]}")


def _anew(feed: Feed) -> Feed:
    return msgspec.structs.replace(feed, etag="", modified="")
