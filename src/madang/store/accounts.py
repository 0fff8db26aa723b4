"""Where money is paid to: an IBAN (ISO 13616), or an account of a bank that has none, as in Korea. Pure."""

from __future__ import annotations

import re

from madang.base.errors import BadRequest

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}\Z")
_ACCOUNT = re.compile(r"[0-9A-Za-z-]{4,34}\Z")
_BANK = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?\Z")  # a BIC (ISO 9362)


def checked_account(given: dict[str, str]) -> dict[str, str]:
    """`{"name", "iban"}`, `{"name", "account", "bank"}` with the bank's BIC, or `{}` of who sells nothing. Raises BadRequest."""
    found = {key: given.get(key, "").strip() for key in ("name", "iban", "account", "bank")}
    found = {key: value for key, value in found.items() if value}
    if not found:
        return {}
    found["iban"] = found.get("iban", "").replace(" ", "").upper()
    if not 1 <= len(found.get("name", "")) <= 70:
        raise BadRequest("an account has a holder's name of at most 70 characters", reason="account_form")
    if found["iban"]:
        if not is_iban(found["iban"]):
            raise BadRequest("this is no IBAN", reason="account_form")
        return {"name": found["name"], "iban": found["iban"]}
    if not _ACCOUNT.match(found.get("account", "")) or not _BANK.match(found.get("bank", "")):
        raise BadRequest("an IBAN, or an account number with the BIC of its bank", reason="account_form")
    return {"name": found["name"], "account": found["account"], "bank": found["bank"]}


def is_iban(text: str) -> bool:
    """By its check digits (ISO 7064, MOD 97-10)."""
    if not _IBAN.match(text):
        return False
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97 == 1
