"""The city as clients see it that nobody here wrote: each call they have for NGSI-LD and OpenID Connect, and how it went.

    madang bench clients [--json] [--only ngsildclient]

PyPI's `ngsildclient`, `filip` and `authlib` are installed into environments of their own (their pins are not ours), npm's `ngsijs` and
`openid-client` where there is an npm; all in a folder that goes afterwards. Ends with 1 when a call fails that is not known to.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

from bench.broker import running
from madang.base.clock import SystemClock
from madang.cli.instance import Instance
from madang.engine.database import connect_pool
from madang.engine.settings import issuer_of
from madang.trust.identity.clients import GRANTS, Clients, Registration
from madang.trust.identity.passwords import hash_password
from madang.trust.identity.people import People

HERE = Path(__file__).resolve().parent / "strangers"
# What cannot work, and why: see docs/conformance.md.
KNOWN = {
    "authlib": set[str](),
    "filip": {"get_statistics (Orion's own)"},
    "ngsildclient": {"query by area"},
    "ngsijs": set[str](),
    "openid-client": set[str](),
}
SCRIPTS = {"ngsijs": "ngsijs_calls.js", "openid-client": "openid_client_calls.mjs"}
ALSO = {"authlib": ["httpx"]}
REDIRECT, LOGIN, PASSWORD = "http://127.0.0.1:9/callback", "mina", "a few words of mine"


def install(name: str, folder: Path) -> list[str] | None:
    """The beginning of the command that runs its calls, None where its tools are not here."""
    if name in SCRIPTS:
        npm, node = shutil.which("npm"), shutil.which("node")
        if npm is None or node is None:
            return None
        quiet = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        subprocess.run([npm, "install", *quiet, "--prefix", str(folder), name], check=True)
        return [node, str(HERE / SCRIPTS[name]), str(folder / "node_modules" / name)]
    python = folder / "bin" / "python"
    uv = shutil.which("uv")
    if uv is not None:
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", str(python), name, *ALSO.get(name, [])], check=True
        )
    else:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        wanted = [name, *ALSO.get(name, [])]
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True)
    return [str(python), str(HERE / f"{name}_calls.py")]


async def ask(command: list[str], where: list[str]) -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(*command, *where, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return dict(json.loads(out.decode().strip().splitlines()[-1]))


async def run(names: list[str]) -> dict[str, dict[str, str]]:
    told = {}
    async with running(None) as instance:
        for name in names:
            folder = instance.run_dir / "clients" / name
            folder.parent.mkdir(exist_ok=True)
            command = install(name, folder)
            if command is not None:
                told[name] = await ask(command, await address_of(name, instance))
    return told


async def address_of(name: str, instance: Instance) -> list[str]:
    """What the calls are given: where the city is, and who they are there."""
    if name in ("authlib", "openid-client"):
        return [issuer_of(instance.settings), *await relying_party(instance, name), REDIRECT, LOGIN, PASSWORD]
    port = str(instance.settings.http_port)
    return [instance.url.rstrip("/")] if name == "ngsijs" else ["127.0.0.1", port]


async def relying_party(instance: Instance, name: str) -> tuple[str, str]:
    """A client that may have everything, and a person."""
    scopes = ("openid", "profile", "email", "offline_access", "madang", "introspect")
    async with await connect_pool(instance.settings.database, 1, 2) as pool:
        people, clients = People(pool, SystemClock()), Clients(pool, SystemClock())
        if await people.by_login(LOGIN) is None:
            person = await people.add(LOGIN, "Mina", None, ())
            await people.set_password(person.id, await hash_password(PASSWORD))
        asked = Registration(name, redirect_uris=(REDIRECT,), grants=GRANTS, scopes=scopes)
        client, secret = await clients.register(asked)
    return client.id, secret or ""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=sorted(KNOWN))
    options = parser.parse_args()
    told = asyncio.run(run([options.only] if options.only else sorted(KNOWN)))
    if options.json:
        print(json.dumps(told))
    failed = 0
    for name, calls in told.items():
        wrong = {call: how for call, how in calls.items() if how != "ok"}
        failed += len(wrong.keys() - KNOWN[name])
        if not options.json:
            print(f"{name}: {len(calls) - len(wrong)} of {len(calls)} calls")
            for call, how in wrong.items():
                print(f"  {call}: {how}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
