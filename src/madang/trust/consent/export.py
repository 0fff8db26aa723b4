"""All that the city keeps of a person, to take away: JSON, or CSV tables in a zip archive. Pure."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from madang.base.clock import to_iso
from madang.trust.consent.agreement import Consent
from madang.trust.consent.consents import members_out
from madang.trust.consent.erasures import Erasure
from madang.trust.consent.looking import Seen
from madang.trust.consent.space import Item

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Rows = Sequence[Mapping[str, Any]]


def plain(value: Any) -> Any:
    """Times as ISO 8601, everything else as it is."""
    return to_iso(value) if isinstance(value, datetime) else value


def item_out(item: Item) -> dict[str, Any]:
    return {"kind": item.kind, "id": item.id, "item": item.body, "modifiedAt": to_iso(item.modified_at)}


def consent_out(consent: Consent) -> dict[str, Any]:
    ask = consent.ask
    return {
        "id": consent.id,
        "app": consent.app,
        "kind": ask.kind,
        "members": members_out(ask),
        "purpose": ask.purpose,
        "retentionDays": ask.retention_days,
        "grantedAt": to_iso(consent.granted_at),
        "withdrawnAt": plain(consent.withdrawn_at),
    }


def seen_out(seen: Seen) -> dict[str, Any]:
    return {name: plain(value) for name, value in asdict(seen).items()}


def erasure_out(erasure: Erasure) -> dict[str, Any]:
    return {
        "id": erasure.id,
        "app": erasure.app,
        "kind": erasure.kind,
        "purpose": erasure.purpose,
        "upTo": to_iso(erasure.up_to),
        "why": erasure.why,
        "askedAt": to_iso(erasure.asked_at),
        "receipt": erasure.receipt,
        "receiptedAt": plain(erasure.receipted_at),
    }


def as_zip(tables: Mapping[str, Rows]) -> bytes:
    """A CSV file a table, in UTF-8 with the mark that spreadsheets need to read Korean; nested values are JSON."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, rows in tables.items():
            archive.writestr(f"{name}.csv", "\ufeff" + _csv(rows))
    return out.getvalue()


def _csv(rows: Rows) -> str:
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in rows for column in row))
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    # A spreadsheet must not take a text for a formula (OWASP, CSV injection).
    is_formula = isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if is_formula else value
