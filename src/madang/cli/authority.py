"""`madang ca`: the city's own certificates, for devices and inner servers."""

from __future__ import annotations

import argparse
from pathlib import Path

from madang.base.clock import SystemClock, to_iso
from madang.cli.cities import find_city
from madang.engine.settings import home_dir
from madang.trust.defence.authority import Use
from madang.trust.defence.issued import Authority, Issued, write_new


def ca(options: argparse.Namespace) -> int:
    """Raises BadRequest, Conflict, NotFound."""
    city, now = find_city(options.city).id, SystemClock().now()
    folder = home_dir() / "ca" / city
    authority = Authority(folder)
    if options.verb == "init":
        authority.init(city, now)
        print(folder / "root.crt")
    elif options.verb == "issue":
        print("\n".join(map(str, _issue(authority, options.use, options.names, options.days, Path(options.out)))))
    elif options.verb == "revoke":
        print(_line(authority.revoke(options.serial, now)))
    elif options.verb == "list":
        print("\n".join(map(_line, authority.every())))
    else:
        print(authority.renew_list(now))
    return 0


def _issue(authority: Authority, use: Use, names: list[str], days: int | None, out: Path) -> list[Path]:
    """The files of the new key and its certificate."""
    pair = authority.issue(use, names, SystemClock().now(), days)
    out.mkdir(parents=True, exist_ok=True)
    stem = "".join(one if one.isalnum() or one in ".-_" else "_" for one in names[0])
    paths = [out / f"{stem}.key", out / f"{stem}.crt"]
    for path, data in zip(paths, (pair.key, pair.certificate), strict=True):
        write_new(path, data)
    return paths


def _line(one: Issued) -> str:
    state = "until " + to_iso(one.until) if one.revoked is None else "revoked " + to_iso(one.revoked)
    return f"{one.serial} {one.use} {','.join(one.names)} {state}"
