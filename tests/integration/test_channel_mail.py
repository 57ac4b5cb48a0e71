"""Mail through a real SMTP server, and through servers that do not behave."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from mail_rig import MailServer
from odd_server import OddServer, Talk, says_nothing
from own_authority import Authority
from vigilar_alerts.adapters.mail import Mail, recipients
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.retry import Answer, judge
from vigilar_common.clock import SystemClock
from vigilar_common.config.alert_channels import Email
from vigilar_common.egress import Egress
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.alerts import Outcome
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.testing.broker import free_port

ALERT = Alert(
    "0199c000-0000-7000-8000-000000000001",
    None,
    Severity.CRITICAL,
    "Motion at <Front door>\r\nBcc: evil@example.org",
    "in drive & yard",
    "motion-front",
    1_750_000_000_000,
)
ANCHOR = LedgerAnchor(
    origin="vigilar/x", size=17, root="Ro0t=", note="vigilar/x\n17\nRo0t=\n\n— vigilar/x sIgN\n"
)
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def clear() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


def mail(ca_file: Path | str = "") -> Mail:
    out = Egress(SystemClock(), private=("127.0.0.1",), ca_file=str(ca_file), lookup=lambda *_: ["127.0.0.1"])
    return Mail(out, SystemClock())


def settings(port: int, **more: object) -> Email:
    known = {"smtp_host": "mail.test", "from_addr": "vigilar@example.org", "use_tls": False} | more
    return Email.model_validate({"enabled": True, "smtp_port": port, "to_addr": "me@example.org"} | known)


LINK = "https://house.example.org/events/x?a=1&b=2"


def send(
    to: Email, by: Mail | None = None, alert: Alert = ALERT, jpeg: bytes | None = JPEG, link: str = LINK
) -> Answer:
    return (by or mail()).send(alert, "me@example.org", to, "Europe/Vienna", ANCHOR, jpeg, link)


def part(letter: EmailMessage, kind: str) -> EmailMessage:
    found = [part for part in letter.walk() if part.get_content_type() == kind]
    assert found, f"no {kind}"
    assert isinstance(found[0], EmailMessage)
    return found[0]


def test_a_mail_has_text_html_and_the_picture_within_and_no_name_can_add_a_header(clear: MailServer) -> None:
    answer = send(settings(clear.port))
    assert (answer.status, answer.error) == (202, "")
    assert answer.sent_ms
    (letter,) = clear.letters
    assert clear.recipients == ["me@example.org"]
    assert (letter["To"], letter["Bcc"]) == ("me@example.org", None)
    assert letter["Subject"] == "❗ Motion at <Front door> Bcc: evil@example.org"
    assert "vigilar@example.org" in letter["From"]
    text, page = part(letter, "text/plain").get_content(), part(letter, "text/html").get_content()
    assert "in drive & yard" in text
    assert "2025-06-15 17:06:40 CEST" in text
    assert "&lt;Front door&gt;" in page
    assert "<Front" not in page
    assert LINK in text.splitlines()
    assert '<a href="https://house.example.org/events/x?a=1&amp;b=2">' in page
    assert "cid:picture" in page
    assert "— vigilar/x sIgN" in text, "the signed note goes along, word for word"
    assert "17 entries, root Ro0t=" in page
    picture = part(letter, "image/jpeg")
    assert (picture.get_content(), picture["Content-ID"]) == (JPEG, "<picture>")
    assert letter["Auto-Submitted"] == "auto-generated"


def test_the_same_alert_always_has_the_same_message_id_and_more_of_the_same_stands_in_one_thread(
    clear: MailServer,
) -> None:
    for number, jpeg in ((1, JPEG), (1, None), (2, None)):
        alert = Alert(f"{number}" * 36, None, Severity.ALERT, "Motion", "", "motion-front", 1_750_000_000_000)
        assert send(settings(clear.port), alert=alert, jpeg=jpeg, link="").status == 202
    first, again, other = clear.letters
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["References"] == other["References"]
    assert not [part for part in again.walk() if part.get_content_type() == "image/jpeg"]
    assert "cid:" not in part(again, "text/html").get_content()
    assert "href" not in part(again, "text/html").get_content(), "nobody said where the page is"


def test_with_starttls_the_login_and_the_mail_are_encrypted(authority: Authority) -> None:
    with MailServer(starttls=authority.server("mail.test"), login=("me", "s3cret")) as server:
        good = settings(server.port, use_tls=True, username="me", password="s3cret")
        assert send(good, mail(authority.ca_file)).status == 202
        assert len(server.letters) == 1
        untrusted = send(good)
        assert (untrusted.status, untrusted.problem) == (0, "certificate")
        wrong = send(
            settings(server.port, use_tls=True, username="me", password="no"), mail(authority.ca_file)
        )
        assert (wrong.status, wrong.problem) == (400, "auth")
        assert "535" in wrong.error
        assert "no" not in wrong.error.split()
        refused = send(settings(server.port), mail(authority.ca_file))
        assert (refused.status, refused.problem) == (400, "tls"), "it insists on STARTTLS"
        assert len(server.letters) == 1


def test_tls_from_the_first_byte_works_and_its_name_is_checked(authority: Authority) -> None:
    with MailServer(tls=authority.server("mail.test")) as server:
        assert (
            send(settings(server.port, use_tls=True, starttls=False), mail(authority.ca_file)).status == 202
        )
        other = settings(server.port, use_tls=True, starttls=False, smtp_host="other.test")
        assert send(other, mail(authority.ca_file)).problem == "certificate"


def test_a_server_without_starttls_gets_neither_login_nor_mail_when_tls_is_wanted(clear: MailServer) -> None:
    answer = send(settings(clear.port, use_tls=True, username="me", password="s3cret"))
    assert (answer.status, answer.problem) == (400, "tls")
    assert answer.error == f"mail.test offers no STARTTLS on port {clear.port}"
    assert clear.letters == []


def test_a_server_that_greylists_gets_the_mail_at_a_later_attempt(clear: MailServer) -> None:
    clear.say["RCPT"] = ["451 4.7.1 Greylisted, come again"]
    first = send(settings(clear.port))
    assert (first.status, first.problem) == (429, "greylisted")
    assert "451 4.7.1 Greylisted" in first.error
    verdict = judge(first, 1, 0)
    assert (verdict.outcome, "by themselves" in verdict.cure) == (Outcome.RETRYING, True)
    assert send(settings(clear.port)).status == 202
    assert len(clear.letters) == 1


@pytest.mark.parametrize(
    ("verb", "line", "outcome"),
    [
        ("RCPT", "550 5.1.1 No such user", Outcome.FAILED),
        ("DATA", "554 5.7.1 Looks like spam", Outcome.FAILED),
        ("DATA", "452 4.2.2 Mailbox full", Outcome.RETRYING),
        ("DATA", "421 4.3.2 Shutting down", Outcome.RETRYING),
    ],
)
def test_a_no_is_final_and_come_again_is_not(
    clear: MailServer, verb: str, line: str, outcome: Outcome
) -> None:
    clear.say[verb] = [line]
    answer = send(settings(clear.port))
    assert judge(answer, 1, 0).outcome is outcome
    assert line[:3] in answer.error
    assert ("to the recipient me@example.org" in answer.error) is (verb == "RCPT")
    assert clear.letters == []


def _greets_and_hangs(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"220 slow.test\r\n")
    over.wait(60)


def _drips_its_greeting(connection: socket.socket, over: threading.Event) -> None:
    while not over.wait(0.05):
        connection.sendall(b"220-x\r\n")


def _closes(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"220 brief.test\r\n")


def _refuses(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"554 5.7.1 You are on a list\r\n")


def _is_no_mail_server(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "problem"),
    [
        (says_nothing, "timeout"),
        (_greets_and_hangs, "timeout"),
        (_drips_its_greeting, "timeout"),
        (_closes, "unreachable"),
        (_refuses, "rejected"),
        (_is_no_mail_server, "rejected"),
    ],
)
def test_servers_that_hang_refuse_or_are_none_are_an_answer_in_time(
    talk: Talk, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vigilar_alerts.adapters.mail.TOTAL_S", 0.4)
    with OddServer(talk) as server:
        answer = send(settings(server.port))
    assert answer.problem == problem, answer.error
    assert answer.error.startswith("mail.test")


def test_a_mail_that_was_taken_counts_although_the_server_never_says_goodbye(
    clear: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> str:
        await asyncio.Event().wait()
        return ""

    clear.handle_QUIT = never  # type: ignore[attr-defined]
    monkeypatch.setattr("vigilar_alerts.adapters.mail.TOTAL_S", 1.5)
    assert send(settings(clear.port)).status == 202


def test_nobody_listening_and_addresses_that_are_none_are_told_apart() -> None:
    assert send(settings(free_port())).problem == "refused"
    broken = mail().send(ALERT, "not an address", settings(25), "UTC", None, None)
    assert (broken.status, broken.problem) == (400, "setup")
    assert '[alerts.email] to_addr: "not an address" is no mail address' in broken.error
    sender = mail().send(ALERT, "me@example.org", settings(25, from_addr="house"), "UTC", None, None)
    assert '[alerts.email] from_addr: "house" is no mail address' in sender.error
    inside = Mail(Egress(SystemClock(), lookup=lambda *_: ["192.168.1.9"]), SystemClock())
    answer = send(settings(25), inside)
    assert (answer.status, answer.problem) == (400, "forbidden")
    assert "private_targets" in answer.error


def test_several_recipients_stand_with_commas() -> None:
    assert recipients(" a@example.org, b@example.org,,a@example.org ") == ("a@example.org", "b@example.org")
    assert recipients('"Doe, Jo" <jo@example.org>, b@example.org') == ("jo@example.org", "b@example.org")


def test_a_sender_may_have_a_name(clear: MailServer) -> None:
    assert send(settings(clear.port, from_addr="My house <house@example.org>")).status == 202
    assert "house@example.org" in clear.letters[0]["From"]
