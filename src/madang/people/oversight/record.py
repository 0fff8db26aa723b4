"""`/administration/audit`: who did what, page by page, each entry with a proof that the browser computes."""

from __future__ import annotations

from urllib.parse import urlencode

from madang.base.errors import BadRequest, MadangError, NotFound
from madang.people.http import Response
from madang.people.identity.doors import Door, Table
from madang.people.identity.pages import page
from madang.people.identity.visit import Visit
from madang.trust.audit.log import decode_leaf

SHOWN = 50
_FILTERS = ("who", "what", "whom")


class RecordDoor(Door):
    """Reads of the audit log for who may read it."""

    @property
    def table(self) -> Table:
        return {
            "administration/audit": {"GET": self.page(self._list)},
            "administration/audit/*": {"GET": self.page(self._entry)},
        }

    async def _list(self, visit: Visit) -> Response:
        self.reader(visit, "audit")
        recorder, query = self.identity.recorder, visit.request.query
        asked = {name: query.get(name, "") for name in _FILTERS}
        before = _place(query["before"]) if query.get("before") else None
        found = await recorder.log.page(SHOWN, before, *(asked[name] or None for name in _FILTERS))
        given = {name: value for name, value in asked.items() if value}
        onward = f"?{urlencode(given | {'before': found[-1]['seq']})}" if len(found) == SHOWN else None
        try:
            note = await recorder.keeper.sign()
        except MadangError:  # a log that is not what was signed: its entries are shown all the same
            note = ""
        return page(
            visit,
            "audit",
            asked=asked,
            entries=[one | {"entry": decode_leaf(one["leaf"])} for one in found],
            onward=onward,
            note=note,
            key=recorder.keeper.key,
        )

    async def _entry(self, visit: Visit) -> Response:
        self.reader(visit, "audit")
        seq = _place(visit.request.parts[2])
        found = await self.identity.recorder.log.page(1, seq + 1, None, None, None)
        if not found or found[0]["seq"] != seq:
            raise NotFound(f"no entry {seq}")
        return page(visit, "audit_entry", one=found[0] | {"entry": decode_leaf(found[0]["leaf"])})


def _place(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 17:
        raise BadRequest("a place in the log: a whole number")
    return int(text)
