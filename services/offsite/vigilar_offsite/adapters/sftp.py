"""SFTP: one file per recording that grows at its end. The server is known by its key, and by nothing else."""

from __future__ import annotations

import base64
import errno
import hashlib
import logging
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from vigilar_offsite.adapters.egress import CONNECT_S, IO_S, connect
from vigilar_offsite.adapters.target import APPEND_BYTES
from vigilar_offsite.domain.errors import TargetError, Why

if TYPE_CHECKING:
    import paramiko
    from vigilar_common.config.offsite import Offsite
    from vigilar_common.egress import Egress

PORT: Final = 22
KEEPALIVE_S: Final = 10
MAX_OPEN_FILES: Final = 16
REQUEST_BYTES: Final = 32_768
"""What one SFTP request carries; every server takes that."""


class SftpTarget:
    most_bytes = APPEND_BYTES
    in_parts = False

    def __init__(self, settings: Offsite, egress: Egress, key_file: Path) -> None:
        parts = urlsplit(settings.url)
        self._host, self._port = parts.hostname or "", parts.port or PORT
        self._root = PurePosixPath(unquote(parts.path).lstrip("/") or ".")
        if parts.path.startswith("//"):
            self._root = PurePosixPath("/") / self._root
        self._user = settings.username or unquote(parts.username or "")
        self._password, self._pinned = settings.password, settings.host_key
        self._egress, self._key_file = egress, key_file
        self._transport: paramiko.Transport | None = None
        self._sftp: paramiko.SFTPClient | None = None
        self._files: dict[str, paramiko.SFTPFile] = {}
        self._folders: set[PurePosixPath] = set()
        self.shown = (
            f"sftp://{self._host}:{self._port}/{'' if self._root == PurePosixPath('.') else self._root}"
        )

    def open(self) -> None:
        import paramiko
        from paramiko.ssh_exception import IncompatiblePeer

        # Its own lines repeat what is raised, with a traceback for each lost connection.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        self.close()
        sock = connect(self._egress, self._host, self._port)
        try:
            transport = self._transport = paramiko.Transport(sock)
            transport.banner_timeout = transport.auth_timeout = transport.channel_timeout = CONNECT_S
            kind = self._pinned.partition(" ")[0] if " " in self._pinned else ""
            if kind:
                options = transport.get_security_options()
                options.key_types = [
                    known
                    for known in options.key_types
                    if known == kind or (kind == "ssh-rsa" and known.startswith("rsa-sha2-"))
                ]
            transport.start_client(timeout=CONNECT_S)
            self._check_key(transport.get_remote_server_key())
            self._log_in(transport)
            transport.set_keepalive(KEEPALIVE_S)
            self._sftp = paramiko.SFTPClient.from_transport(transport)
            assert self._sftp is not None
            channel = self._sftp.get_channel()
            assert channel is not None
            channel.settimeout(IO_S)
        except TargetError:
            self.close()
            raise
        except (paramiko.SSHException, OSError, EOFError) as error:
            self.close()
            sock.close()
            if isinstance(error, IncompatiblePeer) and kind:
                raise TargetError(
                    Why.HOST_KEY, f"{self.shown} has no host key of the pinned kind {kind}"
                ) from error
            raise TargetError(Why.UNREACHABLE, f"{self.shown} speaks no SSH: {_reason(error)}") from error

    def close(self) -> None:
        self._files.clear()
        self._folders.clear()
        sftp, self._sftp = self._sftp, None
        transport, self._transport = self._transport, None
        if sftp is not None:
            sftp.close()
        if transport is not None:
            transport.close()

    def has(self, name: str, sent_bytes: int) -> int:
        with self._telling(name) as sftp:
            try:
                size = sftp.stat(str(self._root / name)).st_size
            except FileNotFoundError:
                return 0
        return min(sent_bytes, size or 0)

    def append(self, name: str, offset: int, data: bytes) -> None:
        with self._telling(name):
            file = self._file(name)
            file.seek(offset)
            # All requests but the last go out without waiting; the last one waits for the answers to all of them.
            last = (len(data) - 1) // REQUEST_BYTES * REQUEST_BYTES
            file.set_pipelined(True)
            file.write(data[:last])
            file.set_pipelined(False)
            file.write(data[last:])

    def put(self, name: str, data: bytes) -> None:
        with self._telling(name) as sftp:
            self._make_folder(sftp, (self._root / name).parent)
            with sftp.open(str(self._root / name), "w") as file:
                file.write(data)

    # -- the connection -----------------------------------------------------------------------------------

    def _check_key(self, key: paramiko.PKey) -> None:
        digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
        shown = f"SHA256:{digest}"
        if " " in self._pinned:
            fits = self._pinned.partition(" ")[2].rstrip("=") == key.get_base64().rstrip("=")
        else:
            fits = self._pinned.rstrip("=") == shown
        if not fits:
            raise TargetError(
                Why.HOST_KEY, f"{self.shown} shows the host key {shown} ({key.get_name()}), which is not [offsite] host_key"
            )  # fmt: skip

    def _log_in(self, transport: paramiko.Transport) -> None:
        import paramiko

        if not self._user:
            raise TargetError(Why.REFUSED, f"{self.shown}: no user name; write it into [offsite] url")
        refused: Exception | None = None
        try:
            transport.auth_publickey(
                self._user, paramiko.Ed25519Key.from_private_key_file(str(self._key_file))
            )
            return
        except paramiko.AuthenticationException as error:
            refused = error
        if self._password:
            try:
                transport.auth_password(self._user, self._password)
                return
            except paramiko.AuthenticationException as error:
                refused = error
        what = "key and by password" if self._password else "key"
        raise TargetError(
            Why.REFUSED, f"{self.shown} refuses the login of {self._user} by {what}"
        ) from refused

    @contextmanager
    def _telling(self, name: str) -> Iterator[paramiko.SFTPClient]:
        """Errors of the library become one that names target and file; the connection is not used after one."""
        import paramiko

        sftp = self._sftp
        if sftp is None:
            raise TargetError(Why.UNREACHABLE, f"{self.shown} is not connected")
        try:
            yield sftp
        except PermissionError as error:
            raise TargetError(Why.REFUSED, f"{self.shown}: {name} may not be written") from error
        except TimeoutError as error:
            raise TargetError(Why.UNREACHABLE, f"{self.shown} was silent for {IO_S:g} s") from error
        except (paramiko.SSHException, EOFError) as error:
            raise TargetError(
                Why.UNREACHABLE, f"{self.shown}: the connection was lost: {_reason(error)}"
            ) from error
        except OSError as error:
            if isinstance(error, ConnectionError) or "closed" in str(error).lower():
                raise TargetError(Why.UNREACHABLE, f"{self.shown}: the connection was lost") from error
            # SFTP version 3 has one code for a full disk, a quota and much else: "Failure".
            why = Why.FULL if error.errno in (None, errno.ENOSPC, errno.EDQUOT) else Why.FAILED
            hint = " (its disk may be full)" if error.errno is None else ""
            raise TargetError(why, f"{self.shown} did not take {name}: {_reason(error)}{hint}") from error

    def _file(self, name: str) -> paramiko.SFTPFile:
        """Open for writing at any place; nothing that is there is cut off."""
        known = self._files.get(name)
        if known is not None:
            return known
        sftp = self._sftp
        assert sftp is not None
        path = self._root / name
        self._make_folder(sftp, path.parent)
        if len(self._files) >= MAX_OPEN_FILES:
            self._files.pop(next(iter(self._files))).close()
        try:
            file = sftp.open(str(path), "r+")
        except FileNotFoundError:
            file = sftp.open(str(path), "wx")
        self._files[name] = file
        return file

    def _make_folder(self, sftp: paramiko.SFTPClient, folder: PurePosixPath) -> None:
        if folder in self._folders or folder in (PurePosixPath("."), PurePosixPath("/")):
            return
        try:
            mode = sftp.stat(str(folder)).st_mode or 0
        except FileNotFoundError:
            self._make_folder(sftp, folder.parent)
            sftp.mkdir(str(folder))
        else:
            if not stat.S_ISDIR(mode):
                raise TargetError(Why.FAILED, f"{self.shown}: {folder} is no folder")
        self._folders.add(folder)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:200]
