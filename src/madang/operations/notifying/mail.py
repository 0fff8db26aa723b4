"""E-mail by SMTP (RFC 5321; submission with STARTTLS, RFC 6409 and 3207, or TLS from the start, RFC 8314)."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import parseaddr

from madang.base.city import MailSettings
from madang.base.errors import BadRequest
from madang.base.limits import NOTICE_TIMEOUT_S
from madang.operations.notifying.channel import NotSent
from madang.operations.notifying.message import Message


def mail_of(message: Message, sender: str) -> EmailMessage:
    """The same `Message-ID` at each attempt, so that a mailbox can know it again. Pure."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, message.to, message.subject
    mail["Message-ID"] = f"<{message.key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that no absence note answers
    mail["Content-Language"] = message.language
    mail.set_content(f"{message.text}\n\n{message.link}\n")
    return mail


class Mail:
    """By the city's own mail server. `password` is sent only where the line is sealed. Raises BadRequest otherwise."""

    simulated = False

    def __init__(self, settings: MailSettings, password: str) -> None:
        if password and settings.security == "none":
            raise BadRequest("a password of [notify.email] needs security tls or starttls")
        self._settings, self._password = settings, password

    async def send(self, message: Message) -> None:
        """Raises NotSent."""
        try:
            await asyncio.to_thread(self._send, mail_of(message, self._settings.sender))
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise NotSent(f"SMTP {codes[0]}: the address was refused", all(code >= 500 for code in codes)) from error
        except smtplib.SMTPAuthenticationError as error:
            raise NotSent(f"SMTP {error.smtp_code}: user or password was refused") from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"SMTP {error.smtp_code}", error.smtp_code >= 500) from error
        except (smtplib.SMTPException, OSError) as error:
            raise NotSent(f"the mail server: {error}") from error
        except ValueError as error:
            raise NotSent(f"this cannot be written as a mail: {error}", is_final=True) from error

    def _send(self, mail: EmailMessage) -> None:
        told = self._settings
        with self._connected() as server:
            if told.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if self._password:
                server.login(told.user, self._password)
            server.send_message(mail)

    def _connected(self) -> smtplib.SMTP:
        told = self._settings
        if told.security == "tls":
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(told.host, told.port, timeout=NOTICE_TIMEOUT_S, context=context)
        return smtplib.SMTP(told.host, told.port, timeout=NOTICE_TIMEOUT_S)
