"""A new app: the template beside this file, under its own name."""

from __future__ import annotations

import re
from pathlib import Path

from madang.base.errors import BadRequest, Conflict

TEMPLATE = Path(__file__).resolve().parent / "template"
_ID = re.compile(r"[a-z0-9]+(\.[a-z0-9-]+)+\Z")
_THEIR_ID, _THEIR_PACKAGE = "org.example.dusty", "dusty"


def new_app(identifier: str, into: Path) -> Path:
    """The folder that was made. Raises BadRequest, Conflict."""
    package = identifier.rpartition(".")[2].replace("-", "_")
    if not _ID.match(identifier) or not package.isidentifier():
        raise BadRequest(f"{identifier!r} is no reverse domain name such as org.example.dust")
    folder = into / package
    if folder.exists():
        raise Conflict(f"{folder} is there already")
    for source in sorted(path for path in TEMPLATE.rglob("*") if path.is_file() and path.suffix != ".pyc"):
        target = folder / source.relative_to(TEMPLATE)
        target.parent.mkdir(parents=True, exist_ok=True)
        text = source.read_text(encoding="utf-8").replace(_THEIR_ID, identifier)
        target.write_text(re.sub(rf"\b{_THEIR_PACKAGE}\b", package, text), encoding="utf-8")
    return folder
