"""An app's words by language: `strings/ko.json` and `strings/en.json` of its folder."""

from __future__ import annotations

import json
from pathlib import Path


def load_texts(folder: Path) -> dict[str, dict[str, str]]:
    """By language, then by key. Raises OSError; ValueError when one language lacks a word that another has."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    keys = {language: frozenset(words) for language, words in found.items()}
    missing = {language: sorted(frozenset().union(*keys.values()) - own) for language, own in keys.items()}
    if any(missing.values()):
        raise ValueError(f"words are missing: {missing}")
    return found
