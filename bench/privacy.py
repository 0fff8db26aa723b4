"""`madang bench privacy`: how well personal data is found in free text, by kind, over own labelled sentences.

`tuned` are the sentences the rules were made with, `held_out` those that were written at the same time and only counted. A finding
counts when its kind is that of the label and the two cover each other by half. `us_per_sentence`: time of one sentence, after the first.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from madang.trust.privacy.detect import detect
from madang.trust.privacy.spans import KINDS, Span

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "privacy"
_LABEL = re.compile(r"\[\[([\w-]+)\|([^\]]*)\]\]")


def read_labelled(path: Path) -> Iterator[tuple[str, list[Span]]]:
    """Each sentence without its labels, and what they marked."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        text, spans, end = "", [], 0
        for match in _LABEL.finditer(line):
            text += line[end : match.start()]
            spans.append(Span(match[1], len(text), len(text) + len(match[2]), 1.0, "label"))
            text, end = text + match[2], match.end()
        yield text + line[end:], spans


def same(one: Span, other: Span) -> bool:
    shared = min(one.end, other.end) - max(one.start, other.start)
    whole = max(one.end, other.end) - min(one.start, other.start)
    return one.kind == other.kind and shared * 2 >= whole


def count(path: Path) -> dict[str, Counter[str]]:
    """By kind: `right`, `wrong` (found and not there), `missed`."""
    out: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for text, labels in read_labelled(path):
        found = detect(text)
        for span in found:
            out[span.kind]["right" if any(same(span, label) for label in labels) else "wrong"] += 1
        for label in labels:
            out[label.kind]["missed"] += not any(same(span, label) for span in found)
    return out


def figures(counts: Counter[str]) -> dict[str, Any]:
    right, wrong, missed = counts["right"], counts["wrong"], counts["missed"]
    return {
        "precision": round(right / (right + wrong), 3) if right + wrong else None,
        "recall": round(right / (right + missed), 3) if right + missed else None,
        "labels": right + missed,
    }


def measure(path: Path) -> dict[str, Any]:
    counts = count(path)
    texts = [text for text, _ in read_labelled(path)]
    began = time.perf_counter()
    for text in texts:
        detect(text)
    us = (time.perf_counter() - began) / len(texts) * 1e6
    every = sum(counts.values(), Counter())
    by_kind = {kind: figures(one) for kind, one in counts.items()}
    return {"sentences": len(texts), **figures(every), "us_per_sentence": round(us), "by_kind": by_kind}


def main() -> None:
    options = argparse.ArgumentParser(prog="madang bench privacy")
    options.add_argument("--json", action="store_true", help="one JSON object on stdout")
    given = options.parse_args()
    out = {"tuned": measure(FOLDER / "tuned.txt"), "held_out": measure(FOLDER / "heldout.txt")}
    if given.json:
        print(json.dumps(out))
        return
    for name, told in out.items():
        print(f"{name}: {told['sentences']} sentences, precision {told['precision']}, recall {told['recall']}")
        for kind, one in told["by_kind"].items():
            print(f"  {kind}: precision {one['precision']}, recall {one['recall']} of {one['labels']}")


if __name__ == "__main__":
    main()
