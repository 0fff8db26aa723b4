"""A process that does the work of some keys: a JSON list of tasks a line in, a JSON list of results a line out.

`python -m madang.sdk.worker FOLDER PACKAGE.MODULE`
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from madang.sdk.app import App
from madang.sdk.door import Door
from madang.sdk.http import Address
from madang.sdk.loading import load_app
from madang.sdk.work import Json, is_away, work


def run_tasks(folder: str, entry: str, tasks: list[Json], env: Mapping[str, str]) -> Any:
    """Their results, or `{"away"}` when the city does not answer."""
    return asyncio.run(_run(load_app(folder, entry), tasks, env))


async def _run(app: App, tasks: list[Json], env: Mapping[str, str]) -> Any:
    app.door = Door(Address.of(env["MADANG_APP_DOOR"]), env.get("MADANG_APP_TOKEN", ""))
    try:
        return [await work(app, task) for task in tasks]
    except Exception as error:
        if not is_away(error):
            raise
        return {"away": str(error)}
    finally:
        await app.door.close()


def main() -> None:
    folder, entry = sys.argv[1:3]
    # What the app prints must not be taken for an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        answers.write(json.dumps(run_tasks(folder, entry, json.loads(line), os.environ)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
