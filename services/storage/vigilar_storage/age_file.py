"""Encrypting and decrypting a stream in the age format (version 1), by the library `pyrage`.

Its calls read from one file and write to another; a pipe and a thread turn that into a file to write to or read from.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from vigilar_common.errors import ConfigError, FileDamagedError, VigilarError, WrongKeyError

JOIN_S = 600.0
"""How long the other end may take for what the pipe still holds."""
MAX_KEY_TEXT_BYTES = 4_096


def read_recipient(text_or_path: str) -> str:
    """A recipient (`age1…`), or the first one in the file of that name. Raises ConfigError."""
    text = text_or_path.strip()
    if not text.startswith("age1"):
        text = _first_line(Path(text), "age1", "backup recipient")
    from pyrage import RecipientError, x25519

    try:
        return str(x25519.Recipient.from_str(text))
    except RecipientError as error:
        raise ConfigError(f"backup recipient {text[:80]!r} is none of the kind age1…: {error}") from None


def read_identity(path: Path) -> str:
    """The secret line of an identity file. Raises ConfigError; never shows the line."""
    return _first_line(path, "AGE-SECRET-KEY-1", "backup identity")


def recipient_of(identity: str) -> str:
    from pyrage import x25519

    return str(x25519.Identity.from_str(identity).to_public())


def _first_line(path: Path, prefix: str, what: str) -> str:
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_KEY_TEXT_BYTES).decode("utf-8", "replace").splitlines()
    except OSError as error:
        raise ConfigError(f"{what} {path} cannot be read: {error.strerror}") from error
    found = [line.strip() for line in lines if line.strip().startswith(prefix)]
    if not found:
        raise ConfigError(f"{what} {path} holds no line that begins with {prefix}…")
    return found[0]


class _Half:
    """One call of the library on a thread of its own; its error is kept for whoever waits."""

    def __init__(self, call: Callable[[], None], pipe: IO[bytes]) -> None:
        self.error: Exception | None = None
        self._call = call
        self._pipe = pipe
        self._thread = threading.Thread(target=self._run, name="age", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._call()
        except Exception as error:
            self.error = error
        finally:
            try:
                self._pipe.close()
            except OSError as error:
                self.error = self.error or error

    def wait(self) -> None:
        self._thread.join(JOIN_S)
        if self._thread.is_alive():
            raise VigilarError(f"encryption did not end within {JOIN_S:g} s")


@contextmanager
def encrypting(sink: IO[bytes], recipient: str) -> Iterator[IO[bytes]]:
    """A file to write plaintext to; `sink` gets the whole age file by the time this ends. Raises OSError."""
    import pyrage

    to = [pyrage.x25519.Recipient.from_str(recipient)]
    read_fd, write_fd = os.pipe()
    source, plain = os.fdopen(read_fd, "rb"), os.fdopen(write_fd, "wb")
    half = _Half(lambda: pyrage.encrypt_io(source, sink, to), source)
    try:
        yield plain
        plain.close()
    except BrokenPipeError:
        half.wait()
        raise half.error or OSError("encryption ended early") from None
    finally:
        _close(plain)
        half.wait()
    if half.error is not None:
        raise half.error


@contextmanager
def decrypting(source: IO[bytes], identity: str) -> Iterator[IO[bytes]]:
    """A file to read plaintext from; each piece is authentic before it appears.

    Raises WrongKeyError, FileDamagedError. What the reader makes of a stream that ends early gives way to the reason.
    """
    import pyrage

    keys: list[Any] = [pyrage.x25519.Identity.from_str(identity)]
    read_fd, write_fd = os.pipe()
    plain, pipe = os.fdopen(read_fd, "rb"), os.fdopen(write_fd, "wb")
    half = _Half(lambda: pyrage.decrypt_io(source, pipe, keys), pipe)
    given_up: Exception | None = None
    try:
        yield plain
    except Exception as error:
        given_up = error
    finally:
        plain.close()
        half.wait()
    if half.error is not None and not _broken_pipe(half.error):
        raise _told(half.error) from given_up
    if given_up is not None:
        raise given_up


def _told(error: Exception) -> Exception:
    text = str(error)
    if "matching keys" in text.lower() or "no matching" in text.lower():
        return WrongKeyError("the backup is encrypted to another key than this identity")
    return FileDamagedError(f"the encrypted backup is damaged or cut off: {text[:200]}")


def _broken_pipe(error: Exception) -> bool:
    """The reader stopped early for a reason of its own, which is the one to tell."""
    return isinstance(error, BrokenPipeError) or "roken pipe" in str(error)


def _close(file: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # the other end has an error, which is told
        file.close()
