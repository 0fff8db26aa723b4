"""Changes on the bus: subjects `<city>.state.<Type>.<local-id>.<created|updated|deleted>`, one JSON message each.

Message: `{"seq", "op": "c"/"u"/"d", "id", "types", "at", "change": {attribute: instance, instances, or null}}` in internal
names. At least once, in commit order for each courier run; consumers drop a `seq` they have seen.

Who follows everything, as a gateway does, takes `<city>.changes`: the same messages, many in one JSON list, for a tenth of the work.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from madang.base.ids import local_part, subject_token
from madang.model.change import Change

VERBS = {"c": "created", "u": "updated", "d": "deleted"}
STATS_SUBJECT = "madang.stats"


BATCH_MAX_BYTES = 256 * 1024


decode_changes = msgspec.json.Decoder(list[Change]).decode
decode_change = msgspec.json.Decoder(Change).decode
encode = msgspec.json.Encoder().encode


def subject(city: str, change: Change) -> str:
    return f"{subject_token(city)}.state.{subject_token(change.type)}.{subject_token(local_part(change.id))}.{VERBS[change.op]}"


def all_subject(city: str, type_name: str = "*") -> str:
    """Every change of a type (`*`: of all types)."""
    return f"{subject_token(city)}.state.{type_name if type_name == '*' else subject_token(type_name)}.*.*"


def batch_subject(city: str) -> str:
    """Every change, many in a message."""
    return f"{subject_token(city)}.changes"


def batches(encoded: list[bytes]) -> Iterator[bytes]:
    """JSON lists of encoded changes, in order; each of at most BATCH_MAX_BYTES unless one change alone is larger."""
    pack: list[bytes] = []
    size = 0
    for one in encoded:
        if pack and size + len(one) > BATCH_MAX_BYTES:
            yield b"[" + b",".join(pack) + b"]"
            pack, size = [], 0
        pack.append(one)
        size += len(one) + 1
    if pack:
        yield b"[" + b",".join(pack) + b"]"
