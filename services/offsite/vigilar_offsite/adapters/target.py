"""What every target can do, and which one a configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vigilar_offsite.adapters.egress import way_out

if TYPE_CHECKING:
    from vigilar_common.clock import Clock
    from vigilar_common.config.offsite import Offsite
    from vigilar_common.secrets import Secrets

OBJECT_BYTES: Final = 1024 * 1024
APPEND_BYTES: Final = 256 * 1024


class Target(Protocol):
    """A place elsewhere. Names are relative, `/` between folders. Used by one thread; methods raise TargetError."""

    shown: str
    """For people: without user and password."""
    most_bytes: int
    """Of one `append`."""
    in_parts: bool
    """Each `append` becomes an object of its own, so small ones are waited for."""

    def open(self) -> None: ...
    def close(self) -> None: ...

    def has(self, name: str, sent_bytes: int) -> int:
        """How much of this file is really there, at most `sent_bytes`."""
        ...

    def append(self, name: str, offset: int, data: bytes) -> None:
        """The bytes from `offset` on. Doing it again with the same or more bytes changes nothing that was there."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """A small file, whole; one of this name is replaced."""
        ...


def part_name(name: str, offset: int) -> str:
    """Of the part that starts at this byte: sorted by name they are in order."""
    return f"{name}/{offset:012d}"


def target_of(settings: Offsite, secrets: Secrets, clock: Clock) -> Target:
    """Not connected yet. Raises TargetError, StartupError when a secret is missing."""
    egress = way_out(settings, clock)
    scheme = settings.url.partition(":")[0]
    if scheme == "sftp":
        from vigilar_offsite.adapters.sftp import SftpTarget

        return SftpTarget(settings, egress, secrets.path("ssh_key"))
    if scheme == "s3":
        from vigilar_offsite.adapters.s3 import S3Target

        return S3Target(settings, egress)
    from vigilar_offsite.adapters.webdav import WebdavTarget

    return WebdavTarget(settings, egress)
