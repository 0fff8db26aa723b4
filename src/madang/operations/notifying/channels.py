"""The channels that a city set up."""

from __future__ import annotations

from collections.abc import Mapping

from madang.base.city import NotifySettings
from madang.base.errors import BadRequest
from madang.operations.notifying.channel import Channel
from madang.operations.notifying.mail import Mail
from madang.operations.notifying.nouns import ChannelName
from madang.operations.notifying.provider import Provider


def open_channels(settings: NotifySettings, secrets: Mapping[str, str]) -> dict[ChannelName, Channel]:
    """Those that the city set up. `secrets` by the names of their variables. Raises BadRequest for one without its secret."""
    found: dict[ChannelName, Channel] = {}
    if settings.email is not None:
        found["email"] = Mail(settings.email, secrets.get("MADANG_NOTIFY_EMAIL_PASSWORD", ""))
    if settings.sms is not None:
        found["sms"] = Provider("sms", settings.sms, _needed(secrets, "MADANG_NOTIFY_SMS_SECRET"))
    if settings.kakao is not None:
        found["kakao"] = Provider("kakao", settings.kakao, _needed(secrets, "MADANG_NOTIFY_KAKAO_SECRET"))
    return found


def _needed(secrets: Mapping[str, str], name: str) -> str:
    if not secrets.get(name):
        raise BadRequest(f"{name} is needed for what [notify] of city.toml names")
    return secrets[name]
