"""The checks by themselves: licences, locks, bills of materials, known vulnerabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from madang.base.errors import BadRequest
from madang.runtime.manifest import load_manifest
from madang.store.review.licences import check_licence
from madang.store.review.lockfile import Locked, read_lock
from madang.store.review.sbom import sbom_of
from madang.store.review.vulnerabilities import affects, check_vulnerabilities, read_osv
from tests.store.making import START, app_folder

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("expression", "outcome"),
    [
        ("Apache-2.0", "good"), ("MIT OR (GPL-2.0-only WITH Classpath-exception-2.0)", "good"), ("LicenseRef-city", "warning"),
        ("", "bad"), ("Apache 2", "bad"), ("MIT AND", "bad"), ("MyOwn-1.0", "bad"),
    ],
)  # fmt: skip
def test_a_licence_is_an_spdx_expression(expression: str, outcome: str) -> None:
    assert check_licence(expression).outcome == outcome


def test_a_lock_is_read_as_pip_reads_it() -> None:
    text = f"# made by uv\nZope.Interface==7.0 \\\n    --hash=sha256:{B} \\\n    --hash=sha256:{A}\n"
    text += f"six==1.17.0 ; python_version >= '3' --hash=sha256:{A} # why\n\n"
    assert read_lock(text) == [Locked("six", "1.17.0", (A,)), Locked("zope-interface", "7.0", (A, B))]


@pytest.mark.parametrize(
    "line",
    ["six", "six>=1", "six==1.*", "six==1.0", f"--index-url https://x\nsix==1 --hash=sha256:{A}", "-e .", "six @ https://x/six.whl",
     f"six==1 --hash=md5:{A}", f"six==1 --hash=sha256:{A} --global-option=x"],
)  # fmt: skip
def test_a_lock_with_anything_else_is_refused(line: str) -> None:
    with pytest.raises(BadRequest):
        read_lock(line)


def test_a_bill_of_materials_names_every_part(tmp_path: Path) -> None:
    manifest = load_manifest(app_folder(tmp_path / "app"))
    found = sbom_of(manifest, A, [Locked("six", "1.17.0", (B,))], START)
    again = sbom_of(manifest, A, [Locked("six", "1.17.0", (B,))], START)
    assert (found["bomFormat"], found["specVersion"], found["serialNumber"]) == (
        "CycloneDX",
        "1.6",
        again["serialNumber"],
    )
    assert found["metadata"]["component"]["bom-ref"] == "org.example.dust@1.0.0"
    assert found["components"] == [
        {
            "bom-ref": "six@1.17.0", "hashes": [{"alg": "SHA-256", "content": B}], "name": "six", "purl": "pkg:pypi/six@1.17.0",
            "type": "library", "version": "1.17.0",
        }
    ]  # fmt: skip
    assert {"ref": "org.example.dust@1.0.0", "dependsOn": ["six@1.17.0"]} in found["dependencies"]


def osv(**of: Any) -> dict[str, Any]:
    return {"id": "OSV-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "six"}, **of}]}


def ranged(*events: dict[str, str]) -> dict[str, Any]:
    return osv(ranges=[{"type": "ECOSYSTEM", "events": list(events)}])


@pytest.mark.parametrize(
    ("known", "version", "hit"),
    [
        (osv(versions=["1.17.0"]), "1.17", True),
        (osv(versions=["1.16"]), "1.17", False),
        (ranged({"introduced": "0"}, {"fixed": "1.17"}), "1.16.9", True),
        (ranged({"introduced": "0"}, {"fixed": "1.17"}), "1.17", False),
        (ranged({"introduced": "1.5"}, {"last_affected": "1.17"}), "1.17", True),
        (ranged({"introduced": "1.5"}, {"last_affected": "1.17"}), "1.17.1", False),
        (ranged({"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.5"}), "1.3", False),
        (ranged({"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "1.5"}), "1.6", True),
        (ranged({"introduced": "0"}) | {"withdrawn": "2026-01-01T00:00:00Z"}, "1.6", False),
        (
            {"id": "OSV-2", "affected": [{"package": {"ecosystem": "npm", "name": "six"}, "versions": ["1.6"]}]},
            "1.6",
            False,
        ),
    ],
)
def test_an_advisory_affects_the_versions_it_names(known: dict[str, Any], version: str, hit: bool) -> None:
    assert affects(known, Locked("six", version, (A,))) is hit


def test_lists_are_read_as_one_many_or_one_a_line(tmp_path: Path) -> None:
    one = osv(versions=["1.0"])
    (tmp_path / "one.json").write_bytes(msgspec.json.encode(one))
    (tmp_path / "many.json").write_bytes(msgspec.json.encode([one, one]))
    (tmp_path / "lines.ndjson").write_bytes(msgspec.json.encode(one) + b"\n\n" + msgspec.json.encode(one) + b"\n")
    assert [len(read_osv(tmp_path / name)) for name in ("one.json", "many.json", "lines.ndjson")] == [1, 2, 2]
    found = check_vulnerabilities([Locked("six", "1.0", (A,))], read_osv(tmp_path / "one.json"))
    assert (found.outcome, found.parameters) == ("bad", {"found": "OSV-1 (six 1.0)"})
