"""Small apps for tests."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """
id = "org.example.quiet"
version = "1.0"
entry = "quiet.main"
name = { ko = "조용", en = "Quiet" }
summary = { ko = "아무것도 하지 않음", en = "Does nothing" }

[[scopes]]
action = "read"
type = "Tree"
purpose = { ko = "나무를 봅니다", en = "look at trees" }
"""
WHOLE = """
api = ">=1,<2"
licence = "Apache-2.0 OR MIT"
publisher = "org.example"
website = "https://example.org/quiet"
categories = ["parks", "air"]
service = "tree-care"
egress = ["api.example.org:443"]
workers = 2
keys = "id"
privacy = { ko = "없음", en = "None" }
quota = { cpu = 0.25, memory_mb = 64, messages_per_s = 50, storage_mb = 16 }
price = { model = "subscription", amount = "9900", currency = "KRW", per = "month" }
score = { kind = "traffic" }
produces = [{ type = "TreeReport" }]
pages = [{ path = "/", name = { ko = "나무", en = "Trees" }, roles = ["operator"] }]
widgets = [{ path = "/small", name = { ko = "나무", en = "Trees" }, height_px = 120 }]
"""


def app_folder(folder: Path, manifest: str = MANIFEST, **files: str) -> Path:
    """A folder with `app.toml` and `main.py`, and further files by name (`__` stands for a dot)."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.toml").write_text(manifest, encoding="utf-8")
    for name, text in ({"__init____py": "", "main__py": ""} | files).items():
        stem, _, suffix = name.rpartition("__")
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    return folder
