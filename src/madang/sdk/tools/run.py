"""An app's folder against a city: as the runtime starts it, without its fences."""

from __future__ import annotations

import asyncio
import os
import tomllib
from pathlib import Path

from madang.base.errors import BadRequest
from madang.sdk.loading import load_app
from madang.sdk.plan import TOKEN
from madang.sdk.running import Running


def run_folder(folder: Path, url: str, data: Path, workers: int, engine: str) -> None:
    """Until Ctrl-C. The token is taken from the environment: a command line is seen by everybody. Raises BadRequest."""
    folder = folder.resolve()
    try:
        entry = str(tomllib.loads((folder / "app.toml").read_text(encoding="utf-8"))["entry"])
        app = load_app(str(folder), entry)
    except (OSError, KeyError, ValueError, ImportError) as error:
        raise BadRequest(f"{folder} is no app that can be run: {error!r}") from None
    os.environ["MADANG_APP_DOOR"] = url
    running = Running(app, url, os.environ.get(TOKEN, ""), data, workers, engine, (str(folder), entry))
    asyncio.run(running.main())
