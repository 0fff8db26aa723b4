"""The committed page was built from the sources that are committed with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
FILES = ("index.html", "package-lock.json", "svelte.config.js", "vite.config.ts")


def test_the_page_is_built_from_its_sources() -> None:
    """The same sum as `web/scripts/stamp.mjs`. When it differs: `npm --prefix web run build`."""
    inside = [path for folder in ("src", "public") for path in (WEB / folder).rglob("*") if path.is_file()]
    made = hashlib.sha256()
    for name in sorted([*FILES, *(path.relative_to(WEB).as_posix() for path in inside)]):
        made.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    stamp = ROOT / "src" / "madang" / "people" / "static" / "sources.sha256"
    assert stamp.read_text().strip() == made.hexdigest()
