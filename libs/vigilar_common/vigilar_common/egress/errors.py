"""What can go wrong on the way out, each kind with a word of its own."""

from __future__ import annotations

import http.client
import ssl
from enum import StrEnum

from vigilar_common.errors import VigilarError


class Problem(StrEnum):
    """What went wrong on the way, so that a person can be told the cure."""

    DNS = "dns"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS = "tls"
    CERTIFICATE = "certificate"
    PROTOCOL = "protocol"
    SETUP = "setup"
    """A setting of ours cannot be used."""
    AUTH = "auth"
    """Said by callers: the other side wants another login."""


class EgressError(VigilarError):
    """Nothing came back that can be used. The text names the host and the reason, never a path or a login."""

    def __init__(self, problem: Problem, host: str, text: str, sent_ms: int = 0) -> None:
        super().__init__(f"{host}: {text}")
        self.problem, self.sent_ms = problem, sent_ms


def of_connecting(host: str, port: int, error: OSError) -> EgressError:
    if isinstance(error, ConnectionRefusedError):
        return EgressError(Problem.REFUSED, host, f"nothing listens on port {port} (connection refused)")
    if isinstance(error, TimeoutError):
        return EgressError(Problem.TIMEOUT, host, f"no connection on port {port} in time")
    return EgressError(
        Problem.UNREACHABLE, host, f"port {port} cannot be reached ({error.strerror or error})"
    )


def of_talking(host: str, error: OSError | http.client.HTTPException | EOFError) -> EgressError:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not trusted ({error.verify_message})"
        return EgressError(Problem.CERTIFICATE, host, why)
    if isinstance(error, ssl.SSLError):
        return EgressError(
            Problem.TLS, host, f"no encrypted connection ({error.reason or type(error).__name__})"
        )
    if isinstance(error, http.client.RemoteDisconnected | ConnectionError | EOFError):
        return EgressError(Problem.UNREACHABLE, host, "closed the connection without an answer")
    if isinstance(error, http.client.HTTPException):
        return EgressError(Problem.PROTOCOL, host, f"did not answer as a web server ({type(error).__name__})")
    return EgressError(Problem.UNREACHABLE, host, f"the connection broke ({type(error).__name__})")
