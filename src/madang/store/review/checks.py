"""The automatic checks of one package, in order; what the later ones need the earlier ones find."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from madang.base.errors import BadRequest, MadangError
from madang.base.limits import STORE_SCORE_TIMEOUT_S
from madang.engine.privilege import APP_UID, own
from madang.runtime.manifest import Manifest
from madang.runtime.package import sha256, unpack
from madang.store.review.findings import Finding
from madang.store.review.licences import check_licence
from madang.store.review.lockfile import Locked, read_lock
from madang.store.review.sbom import sbom_of
from madang.store.review.trial import check_tests
from madang.store.review.vulnerabilities import Osv, check_vulnerabilities

Progress = Callable[[str, float], None]
"""What is looked at, and how much of that is done (0 to 1)."""


class Scorer(Protocol):
    """The testbed: runs a package in the simulated city with and without the app. Raises MadangError when it cannot."""

    def __call__(
        self, package: Path, manifest: Manifest, progress: Callable[[float], None]
    ) -> Awaitable[dict[str, Any]]: ...


@dataclass(frozen=True)
class Checked:
    """`sbom`: CycloneDX JSON; `score`: as the testbed gives it, None without one."""

    findings: list[Finding]
    sbom: dict[str, Any] | None
    score: dict[str, Any] | None


async def check_package(
    body: bytes, known: list[Osv] | None, scorer: Scorer | None, now: datetime, progress: Progress
) -> Checked:
    """All of them, in a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="madang-review-") as name:
        return await _check(Path(name), body, known, scorer, now, progress)


async def _check(
    scratch: Path, body: bytes, known: list[Osv] | None, scorer: Scorer | None, now: datetime, progress: Progress
) -> Checked:
    scratch.chmod(0o755)  # the confined process passes here
    progress("manifest", 0.0)
    try:
        manifest = await asyncio.to_thread(unpack, body, scratch / "first")
    except MadangError as error:
        return Checked([Finding("manifest", "bad", "manifest_bad", {"detail": error.detail})], None, None)
    package = manifest.entry.partition(".")[0]
    folder = (scratch / "first").rename(scratch / package)
    findings = [check_manifest(manifest), check_licence(manifest.licence)]
    progress("sbom", 0.1)
    locked, found = _lock(folder)
    findings.append(found)
    findings.append(check_vulnerabilities(locked, known))
    sbom = sbom_of(manifest, sha256(body), locked, now)
    progress("tests", 0.2)
    findings.append(await check_tests(folder, package, own(scratch / "tests", APP_UID)))
    progress("score", 0.3)
    score, told = await _score(scratch / package, manifest, scorer, lambda part: progress("score", 0.3 + 0.7 * part))
    return Checked([*findings, told], sbom, score)


def check_manifest(manifest: Manifest) -> Finding:
    """What the runtime can do without and a store cannot."""
    missing = [
        name
        for name, given in (
            ("privacy", manifest.privacy),
            ("categories", manifest.categories),
            ("publisher", manifest.publisher),
        )
        if not given
    ]
    if missing:
        return Finding("manifest", "bad", "manifest_misses", {"missing": ", ".join(missing)})
    return Finding("manifest", "good", "manifest_good", {"scopes": str(len(manifest.scopes) + len(manifest.people))})


def _lock(folder: Path) -> tuple[list[Locked], Finding]:
    path = folder / "requirements.lock"
    if not path.is_file():
        return [], Finding("sbom", "good", "sbom_nothing")
    try:
        locked = read_lock(path.read_text(encoding="utf-8"))
    except (BadRequest, UnicodeDecodeError) as error:
        return [], Finding("sbom", "bad", "sbom_unreadable", {"detail": str(error)[:500]})
    return locked, Finding("sbom", "good", "sbom_made", {"count": str(len(locked))})


async def _score(
    package: Path, manifest: Manifest, scorer: Scorer | None, progress: Callable[[float], None]
) -> tuple[dict[str, Any] | None, Finding]:
    if scorer is None:
        return None, Finding("score", "absent", "score_no_testbed")
    if manifest.score is None:
        return None, Finding("score", "absent", "score_none_asked")
    try:
        score = await asyncio.wait_for(scorer(package, manifest, progress), STORE_SCORE_TIMEOUT_S)
    except TimeoutError:
        return None, Finding("score", "warning", "score_slow", {"seconds": str(STORE_SCORE_TIMEOUT_S)})
    except MadangError as error:
        return None, Finding("score", "warning", "score_failed", {"detail": error.detail[:500]})
    return score, Finding("score", "good", "score_made")
