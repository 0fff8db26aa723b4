"""Payment files for the bank: ISO 20022 pain.001.001.09 (CustomerCreditTransferInitiation). Pure.

`sepaxml` writes it for SEPA alone, where every account has an IBAN; in Korea none has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from madang.store.money.amounts import decimal

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
Account = dict[str, str]


@dataclass(frozen=True)
class Transfer:
    """`account` as `accounts.py` has it; `identifier` has at most 35 characters and says what it is for."""

    identifier: str
    account: Account
    amount_minor: int


def payment_file(
    identifier: str, made_at: datetime, on: date, payer: Account, currency: str, transfers: Sequence[Transfer]
) -> str:
    """One message with one block of payments, executed `on` a day. `identifier`: at most 35 characters."""
    total = decimal(sum(one.amount_minor for one in transfers), currency)
    document = Element("Document", xmlns=NAMESPACE)
    message = SubElement(document, "CstmrCdtTrfInitn")
    header = SubElement(message, "GrpHdr")
    _text(header, "MsgId", identifier[:35])
    _text(header, "CreDtTm", made_at.replace(microsecond=0).isoformat())
    _text(header, "NbOfTxs", str(len(transfers)))
    _text(header, "CtrlSum", total)
    _text(SubElement(header, "InitgPty"), "Nm", payer["name"])
    block = SubElement(message, "PmtInf")
    _text(block, "PmtInfId", identifier[:35])
    _text(block, "PmtMtd", "TRF")
    _text(block, "NbOfTxs", str(len(transfers)))
    _text(block, "CtrlSum", total)
    _text(SubElement(block, "ReqdExctnDt"), "Dt", on.isoformat())
    _text(SubElement(block, "Dbtr"), "Nm", payer["name"])
    _account(SubElement(block, "DbtrAcct"), payer)
    _agent(SubElement(block, "DbtrAgt"), payer)
    for one in transfers:
        _transfer(block, one, currency)
    indent(document)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(document, encoding="unicode") + "\n"


def _transfer(block: Element, one: Transfer, currency: str) -> None:
    element = SubElement(block, "CdtTrfTxInf")
    _text(SubElement(element, "PmtId"), "EndToEndId", one.identifier[:35])
    amount = SubElement(SubElement(element, "Amt"), "InstdAmt", Ccy=currency)
    amount.text = decimal(one.amount_minor, currency)
    if "bank" in one.account:
        _agent(SubElement(element, "CdtrAgt"), one.account)
    _text(SubElement(element, "Cdtr"), "Nm", one.account["name"])
    _account(SubElement(element, "CdtrAcct"), one.account)
    _text(SubElement(element, "RmtInf"), "Ustrd", one.identifier[:140])


def _account(parent: Element, account: Account) -> None:
    identifier = SubElement(parent, "Id")
    if "iban" in account:
        _text(identifier, "IBAN", account["iban"])
    else:
        _text(SubElement(identifier, "Othr"), "Id", account["account"])


def _agent(parent: Element, account: Account) -> None:
    bank = SubElement(parent, "FinInstnId")
    if "bank" in account:
        _text(bank, "BICFI", account["bank"])
    else:
        _text(SubElement(bank, "Othr"), "Id", "NOTPROVIDED")


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = _CONTROLS.sub(" ", text).strip()[:70] if name == "Nm" else _CONTROLS.sub(" ", text)
