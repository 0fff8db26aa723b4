"""What installed apps ask people for: as people read it, and as consents are checked against."""

from __future__ import annotations

from typing import Any

from madang.runtime.apps import Apps
from madang.trust.consent.agreement import Ask


class Asking:
    """Reads it from the manifests of installed apps."""

    def __init__(self, apps: Apps) -> None:
        self._apps = apps

    async def of(self, app_id: str) -> list[Ask]:
        """Raises NotFound for an app that is not installed."""
        return [one.ask() for one in (await self._apps.manifest(app_id)).people]

    async def installed(self) -> set[str]:
        """Ids."""
        return {manifest.id for manifest in await self._apps.manifests()}

    async def page(self) -> list[dict[str, Any]]:
        """Every app that asks people for something, with its texts by language."""
        return [
            {
                "app": manifest.id,
                "name": manifest.name,
                "summary": manifest.summary,
                "asks": [
                    {
                        "kind": one.kind,
                        "members": one.members,
                        "purpose": one.purpose,
                        "text": one.text,
                        "retentionDays": one.retention_days,
                    }
                    for one in manifest.people
                ],
            }
            for manifest in await self._apps.manifests()
            if manifest.people
        ]
