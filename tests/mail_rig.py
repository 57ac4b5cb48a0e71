"""A real SMTP server (aiosmtpd) on a loopback port, with the manners a test asks for."""

from __future__ import annotations

import ssl
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from vigilar_common.testing.broker import free_port


class MailServer:
    """`letters` are the mails that were taken. `say[verb]` holds answers for the next RCPT, DATA …, one each."""

    __test__ = False

    def __init__(
        self,
        *,
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.say: dict[str, list[str]] = {}
        self._login = login
        self.port = free_port()
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            ssl_context=tls,
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=self._authenticate if login else None,
            auth_required=login is not None,
            auth_require_tls=False,
            server_hostname="mail.test",
        )  # fmt: skip

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._controller.stop()

    async def handle_RCPT(  # noqa: N802 aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if answer := self._next("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        if answer := self._next("DATA"):
            return answer
        assert isinstance(envelope.content, bytes)
        self.recipients += envelope.rcpt_tos
        self.letters.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"

    def _next(self, verb: str) -> str:
        waiting = self.say.get(verb)
        return waiting.pop(0) if waiting else ""

    def _authenticate(self, _s: Any, _session: Any, _e: Any, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=False)  # aiosmtpd says 535 by itself
