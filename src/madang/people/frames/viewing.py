"""Which of an app's pages are open to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from madang.runtime.manifest import Manifest, Page


@dataclass(frozen=True)
class Viewer:
    """`person` is empty for who did not sign in; `reads_apps`: whether the policies let them read of apps."""

    person: str
    session: str
    roles: frozenset[str]
    language: str
    reads_apps: bool


def may_see(viewer: Viewer, page: Page) -> bool:
    """A page names its roles, or is for whoever may read of apps."""
    return bool(viewer.roles & set(page.roles)) if page.roles else viewer.reads_apps


def page_of(manifest: Manifest, path: str) -> Page | None:
    """The declared page or widget that a path belongs to: the longest that it lies at or below."""
    return max(filter(lambda one: _below(path, one.path), _all(manifest)), key=lambda one: len(one.path), default=None)


def _all(manifest: Manifest) -> Iterable[Page]:
    return (*manifest.pages, *manifest.widgets)


def _below(path: str, page: str) -> bool:
    root = page.strip("/")
    return not root or path.strip("/") == root or path.strip("/").startswith(f"{root}/")


def open_pages(viewer: Viewer, pages: Sequence[Page]) -> list[Page]:
    return [page for page in pages if may_see(viewer, page)]
