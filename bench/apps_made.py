"""The apps of `madang bench apps`, as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_MANIFEST = """
id = "{id}"
version = "1.0"
entry = "{package}.main"
name = {{ ko = "앱", en = "App" }}
summary = {{ ko = "앱", en = "An app" }}

[quota]
{quota}

[[scopes]]
action = "read"
type = "{type}"
purpose = {{ ko = "측정", en = "measure" }}
"""
IDLE = """
from pathlib import Path
from madang.sdk import App

app = App()

@app.on("Nothing")
async def hear(entity, gone):
    pass

@app.on_start
async def ready():
    await app.query("Nothing")
    Path("ready").touch()

app.run()
"""
QUIET = IDLE
HEAR = """
import json, time
from pathlib import Path
from madang.sdk import App

app = App()
waits = []

@app.on("PROBE")
async def hear(entity, gone):
    sent = entity.get("sent")
    sent = sent.get("value") if isinstance(sent, dict) else sent
    if sent is not None:
        waits.append(time.time() - float(sent))

@app.every(1.0, city_time=False)
async def keep():
    Path("waits.new").write_text(json.dumps(waits))
    Path("waits.new").replace("waits.json")

app.run()
"""
FLOOD = """
import asyncio, os
import httpx

async def flood():
    transport = httpx.AsyncHTTPTransport(uds=os.environ["MADANG_APP_DOOR"])
    head = {"Authorization": "Bearer " + os.environ["MADANG_APP_TOKEN"]}
    async with httpx.AsyncClient(transport=transport, base_url="http://madang", headers=head, timeout=60) as client:
        while True:
            try:
                await client.get("/ngsi-ld/v1/entities", params={"type": "Nothing"})
            except httpx.HTTPError:
                await asyncio.sleep(0.01)

async def main():
    await asyncio.gather(*(flood() for _ in range(200)))

asyncio.run(main())
"""
EATERS = {
    "forks": (
        "import os, time\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.05)\n",
        "too_many_processes",
    ),
    "memory": ("held = []\nwhile True:\n    held.append(bytearray(1 << 20))\n", "out_of_memory"),
    "disk": ("for number in range(100_000):\n    open(f'f{number}', 'wb').write(bytes(1 << 20))\n", "storage_full"),
}
"""Code, and the event that tells of it."""


def make(folder: Path, app_id: str, code: str, quota: Mapping[str, float]) -> Path:
    """An app's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    asked = next((word for word in code.split('"') if word.startswith("Probe")), "Nothing")
    lines = "\n".join(f"{name} = {value}" for name, value in quota.items())
    text = _MANIFEST.format(id=app_id, package=folder.name, quota=lines, type=asked)
    for name, content in (("app.toml", text), ("__init__.py", ""), ("main.py", code)):
        (folder / name).write_text(content, encoding="utf-8")
    return folder
