"""How an app begins where a city started it: by its environment and its own manifest."""

from __future__ import annotations

import asyncio
import os
import tomllib
from pathlib import Path

from madang.sdk.app import App
from madang.sdk.loading import own_module
from madang.sdk.running import Running


def run(app: App) -> None:
    """As the environment says. Raises KeyError, ValueError."""
    env, (folder, entry) = os.environ, own_module()
    door, token, data = env["MADANG_APP_DOOR"], env.get("MADANG_APP_TOKEN", ""), Path(env.get("MADANG_APP_DATA", "."))
    asyncio.run(Running(app, door, token, data, workers_of(Path(folder)), module=(folder, entry)).main())


def workers_of(folder: Path) -> int:
    """As the manifest asks for. Raises ValueError."""
    try:
        return int(tomllib.loads((folder / "app.toml").read_text(encoding="utf-8")).get("workers", 1))
    except FileNotFoundError:
        return 1
