"""The certificate: loaded at start, and again when its files are renewed, without a restart."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from vigilar_common.errors import StartupError

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """An SSLContext that follows two PEM files. New connections use the newest pair that fits together."""

    def __init__(self, cert: Path, key: Path) -> None:
        self._cert = cert
        self._key = key
        self.problem = ""
        try:
            self._stamp = self._look()
            self.context = self._new_context()
        except (OSError, ssl.SSLError) as error:
            raise StartupError(
                f"[web] tls_cert {cert} and tls_key {key} cannot be used: {_reason(error)}"
            ) from error

    def reload_if_renewed(self) -> bool:
        """True when a new pair was taken. A broken or half-written one is left, and said, until it changes again."""
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return False
            # Tried on a context of its own: a pair that does not fit must not spoil the one in use.
            self._new_context()
            self.context.load_cert_chain(self._cert, self._key)
        except (OSError, ssl.SSLError) as error:
            problem = (
                f"the renewed certificate {self._cert} cannot be used, the old one stays: {_reason(error)}"
            )
            if problem != self.problem:
                log.error("%s", problem)  # noqa: TRY400 the reason is said, its trace helps nobody
            self.problem = problem
            return False
        self._stamp = stamp
        self.problem = ""
        log.info("the renewed certificate %s is in use", self._cert)
        return True

    def _look(self) -> Stamp:
        stamps = []
        for path in (self._cert, self._key):
            info = path.stat()
            stamps.append((info.st_mtime_ns, info.st_size, info.st_ino))
        return tuple(stamps)

    def _new_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # Never a prompt for a passphrase: nobody sits at a service's terminal.
        context.load_cert_chain(self._cert, self._key, password=_no_passphrase)
        return context


def _no_passphrase() -> str:
    raise OSError("the key has a passphrase; a service needs one without")


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return error.reason or "no PEM certificate and key that belong together"
    return getattr(error, "strerror", None) or str(error)
