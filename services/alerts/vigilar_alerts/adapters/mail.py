"""Mail through the operator's SMTP server: text and HTML, the picture within, one message per recipient."""

from __future__ import annotations

import contextlib
import hashlib
import html
import smtplib
import socket
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, parseaddr
from zoneinfo import ZoneInfo

from vigilar_common.clock import Clock
from vigilar_common.config.alert_channels import Email as Settings
from vigilar_common.egress import Egress, EgressError
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import LedgerAnchor

from vigilar_alerts.adapters.http import of_error
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer

IMPLICIT_TLS_PORT = 465
TOTAL_S = 30.0
SUBJECT_CHARACTERS = 150
REASON_CHARACTERS = 200
ACCEPTED = Answer(202)


class Mail:
    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress, self._clock = egress, clock

    def send(
        self,
        alert: Alert,
        to: str,
        settings: Settings,
        zone: str,
        anchor: LedgerAnchor | None,
        jpeg: bytes | None,
        link: str = "",
    ) -> Answer:
        """One attempt. Never raises for what the outside does."""
        now_ms = self._clock.now_ms()
        if why := why_no_address(settings.from_addr, to):
            return Answer(400, why, problem="setup")
        try:
            text = compose(alert, to, settings.from_addr, zone, now_ms, anchor, jpeg, link)
        except (ValueError, IndexError, MessageError) as error:  # an address that is none
            return Answer(400, f"cannot be written: {error}", problem="setup")
        host, at_once = settings.smtp_host, settings.use_tls and not _switches(settings)
        try:
            with self._egress.opened(host, settings.smtp_port, tls=at_once, total_s=TOTAL_S) as opened:
                try:
                    self._talk(opened, text, to, settings)
                except smtplib.SMTPException as error:
                    if isinstance(error, smtplib.SMTPServerDisconnected):
                        raise  # an OSError like any other: the way out knows whether it cut the line itself
                    return _refusal(settings, error)
        except EgressError as error:
            return of_error(error)
        return Answer(ACCEPTED.status, sent_ms=now_ms)

    def _talk(self, opened: socket.socket, text: EmailMessage, to: str, settings: Settings) -> None:
        """Raises SMTPException, OSError."""
        smtp = smtplib.SMTP(local_hostname=_literal(opened), timeout=TOTAL_S)
        # Connected already, to an address that was checked.
        smtp.sock = opened
        smtp._host = settings.smtp_host  # type: ignore[attr-defined]
        code, said = smtp.getreply()
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        try:
            smtp.ehlo_or_helo_if_needed()
            if settings.use_tls and _switches(settings):
                smtp.starttls(context=self._egress.tls)
                smtp.ehlo()
            if settings.username:
                smtp.login(settings.username, settings.password)
            smtp.send_message(text, parseaddr(settings.from_addr)[1], [to])
        finally:
            _leave(smtp)


def _switches(settings: Settings) -> bool:
    return settings.starttls and settings.smtp_port != IMPLICIT_TLS_PORT


def _leave(smtp: smtplib.SMTP) -> None:
    """The message is in or it is not; whether and when the server says goodbye changes nothing, so nobody waits."""
    with contextlib.suppress(smtplib.SMTPException, OSError):  # gone already
        smtp.putcmd("quit")
    smtp.close()


def compose(
    alert: Alert,
    to: str,
    sender: str,
    zone: str,
    now_ms: int,
    anchor: LedgerAnchor | None,
    jpeg: bytes | None,
    link: str = "",
) -> EmailMessage:
    """`link`: where the page shows it, or empty. The same telling always has the same Message-ID.

    Raises ValueError, IndexError or MessageError when an address is none.
    """
    sender = parseaddr(sender)[1]
    domain = Address(addr_spec=sender).domain
    message = EmailMessage()
    message["Subject"] = _subject(alert)
    message["From"] = Address("Vigilar", addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Date"] = format_datetime(datetime.fromtimestamp(now_ms / 1000, UTC))
    message["Message-ID"] = f"<{alert.key}@{domain}>"
    # What belongs together stands together: mail programs show one thread per kind, place and day.
    day = datetime.fromtimestamp(alert.onset_ms / 1000, UTC).date().isoformat()
    thread = hashlib.sha256(f"{alert.tag}|{day}".encode()).hexdigest()[:24]
    message["References"] = f"<{thread}.thread@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    if alert.severity is Severity.CRITICAL:
        message["Importance"], message["X-Priority"] = "high", "1"
    lines = [
        alert.title,
        *alert.body.splitlines(),
        f"When: {_when(alert.onset_ms, zone)}",
        f"How grave: {alert.severity.value}",
    ]
    lines = [line for line in lines if line]
    small = [f"Alert {alert.alert_id}"]
    if anchor:
        small.append(
            f"Ledger: {anchor.size} entries, root {anchor.root}. Keep this mail: it proves what the ledger held."
        )
    message.set_content("\n".join([*lines, *filter(None, [link]), "", "-- ", *small, *_note(anchor)]) + "\n")
    message.add_alternative(_html(lines, small, bool(jpeg), link), subtype="html")
    if jpeg:
        page = list(message.iter_parts())[-1]
        assert isinstance(page, EmailMessage)
        page.add_related(jpeg, "image", "jpeg", cid="<picture>", filename="picture.jpg", disposition="inline")
    return message


def why_no_address(from_addr: str, to: str) -> str:
    """Which of the two is no mail address; empty when both are."""
    for key, address in (("from_addr", parseaddr(from_addr)[1] or from_addr), ("to_addr", to)):
        try:
            Address(addr_spec=address)
        except (ValueError, IndexError, MessageError) as error:
            return f'[alerts.email] {key}: "{address}" is no mail address ({error})'
    return ""


def recipients(to_addr: str) -> tuple[str, ...]:
    """Addresses without the names that may stand beside them."""
    return tuple(dict.fromkeys(address for _, address in getaddresses([to_addr]) if address))


def _html(lines: list[str], small: list[str], picture: bool, link: str) -> str:
    head, *rest = (html.escape(line) for line in lines)
    body = "".join(f"<p>{line}</p>" for line in rest)
    image = '<p><img src="cid:picture" alt="" style="max-width:100%"></p>' if picture else ""
    if link:
        body += f'<p><a href="{html.escape(link)}">Open it</a></p>'
    foot = "<br>".join(html.escape(line) for line in small)
    return f"<!doctype html><html><body><h1>{head}</h1>{body}{image}<hr><p><small>{foot}</small></p></body></html>\n"


def _note(anchor: LedgerAnchor | None) -> list[str]:
    return ["", *anchor.note.splitlines()] if anchor else []


def _subject(alert: Alert) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in alert.title).split())
    urgent = "❗ " if alert.severity is Severity.CRITICAL else ""
    return (urgent + text)[:SUBJECT_CHARACTERS]


def _when(ts_ms: int, zone: str) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def _literal(opened: socket.socket) -> str:
    """How we call ourselves: our own name is nobody's business, and looking it up may take long."""
    address = str(opened.getsockname()[0])
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def _refusal(settings: Settings, error: smtplib.SMTPException) -> Answer:
    """4xx asks to come again (greylisting is one), 5xx is a no."""
    host, about = settings.smtp_host, ""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        to, (code, raw) = next(iter(error.recipients.items()))
        about = f" to the recipient {to}"
    elif isinstance(error, smtplib.SMTPResponseException):
        code, raw = error.smtp_code, _bytes(error.smtp_error)
        if isinstance(error, smtplib.SMTPSenderRefused):
            about = f" to the sender {error.sender}"
    else:
        return _not_offered(settings, str(error))
    said = "".join(c if c.isprintable() else " " for c in raw.decode("utf-8", "replace"))
    text = f"{host} says{about} {code} {said[:REASON_CHARACTERS]}"
    if code == 530 and "STARTTLS" in said.upper():
        return Answer(400, text, problem="tls")
    if isinstance(error, smtplib.SMTPAuthenticationError) or code == 530:
        return Answer(400 if code >= 500 else 429, text, problem="auth")
    if code == 421:
        return Answer(503, text, problem="busy")
    if 400 <= code < 500:
        return Answer(429, text, problem="greylisted")
    return Answer(400, text, problem="rejected")


def _not_offered(settings: Settings, said: str) -> Answer:
    """The server lacks what is needed: STARTTLS, a login, an alphabet."""
    where = f"{settings.smtp_host} offers no %s on port {settings.smtp_port}"
    if "STARTTLS" in said:
        return Answer(400, where % "STARTTLS", problem="tls")
    if "AUTH" in said:
        return Answer(400, f"{where % 'login'}; if it wants none, leave username empty", problem="auth")
    return Answer(400, f"{settings.smtp_host}: {said}", problem="rejected")


def _bytes(said: bytes | str) -> bytes:
    """smtplib gives its own words as text."""
    return said.encode() if isinstance(said, str) else said
