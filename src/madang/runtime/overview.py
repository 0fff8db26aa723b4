"""All apps at a glance, as the city's page and other programs see them."""

from __future__ import annotations

from typing import Any

import msgspec

from madang.runtime.apps import Apps
from madang.runtime.records import Installed
from madang.runtime.sandbox import level_for


async def list_returning(apps: Apps, components: dict[str, Any]) -> list[str]:
    """The apps that were switched on when the instance ended, but for those that the supervisor still keeps."""
    return [one.id for one in await apps.installed() if one.wanted and f"app:{one.id}" not in components]


async def overview(apps: Apps, components: dict[str, Any]) -> list[dict[str, Any]]:
    """Every app with its state."""
    return [one_of(apps, one, components) for one in await apps.installed()]


def one_of(apps: Apps, app: Installed, components: dict[str, Any]) -> dict[str, Any]:
    """One app with its state."""
    return {
        "id": app.id,
        "version": app.version,
        "name": app.manifest.name,
        "summary": app.manifest.summary,
        "state": state_of(components.get(f"app:{app.id}"), app.wanted),
        "sandbox": level_for(app.manifest.entry, apps.running.level),
        "rating": apps.rating(app).score,
        "grants": msgspec.to_builtins(app.grants),
        "waiting": app.waiting,
        "reasons": app.manifest.reasons,
    }


async def names(apps: Apps, language: str) -> list[tuple[str, str]]:
    """Id and name of each."""
    return [(manifest.id, manifest.name[language]) for manifest in await apps.manifests()]


def state_of(component: dict[str, Any] | None, wanted: bool) -> str:
    if component is None or component["state"] == "stopped":
        return "starting" if wanted else "stopped"
    return str(component["state"])
