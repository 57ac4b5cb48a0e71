"""Targets for off-site evidence: an SFTP server, an S3-compatible one, a WebDAV one, and a line that can be cut."""

from __future__ import annotations

import contextlib
import json
import resource
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from vigilar_common.testing.broker import free_port

MAIN = Path(__file__).with_name("offsite_sftp_main.py")


def key_pair(private: Path) -> str:
    """An Ed25519 pair for SSH; the public half as one line, also beside it."""
    key = ed25519.Ed25519PrivateKey.generate()
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
    )
    private.chmod(0o600)
    line = (
        key.public_key()
        .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        .decode()
    )
    private.with_name("ssh_public.txt").write_text(line + "\n")
    return line


class SftpServer:
    def __init__(self, folder: Path, client_key: str) -> None:
        self.folder, self.root = folder, folder / "root"
        self.root.mkdir(parents=True)
        self.host_key = key_pair(folder / "host_key")
        (folder / "authorized_keys").write_text(client_key + "\n")
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> SftpServer:
        self.process = subprocess.Popen(
            [sys.executable, str(MAIN), str(self.folder), str(self.port)], stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"listens\n"
        return self

    def kill(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def fill(self, most_bytes: int | None) -> None:
        """From now on no file takes more than so many bytes, as on a full disk; None: they do again."""
        assert self.process is not None
        limit = resource.RLIM_INFINITY if most_bytes is None else most_bytes
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


class Line:
    """A TCP way to a port, which can be cut and mended."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._cut = self._stopped = False
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._lock = threading.Lock()
        self.carried_bytes = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after_bytes: int | None = None) -> None:
        """Now, or in the middle of what is sent next."""
        if after_bytes is not None:
            self._cut_at = self.carried_bytes + after_bytes
            return
        self._cut = True
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            _close(*pair)

    def mend(self) -> None:
        self._cut, self._cut_at = False, None

    _cut_at: int | None = None

    @property
    def is_cut(self) -> bool:
        return self._cut

    def stop(self) -> None:
        self._stopped = True
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._cut:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=2)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._pairs.add((client, server))
            threading.Thread(target=self._carry, args=(client, server), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                ready, _, _ = select.select([client, server], [], [], 1)
                for source in ready:
                    data = source.recv(4096)
                    if not data:
                        return _close(client, server)
                    if source is client:
                        self.carried_bytes += len(data)
                        if self._cut_at is not None and self.carried_bytes >= self._cut_at:
                            self._cut_at = None
                            server.sendall(data[: len(data) // 2])
                            return self.cut()
                    (server if source is client else client).sendall(data)
        return _close(client, server)


def _close(*sockets: socket.socket) -> None:
    for item in sockets:
        with contextlib.suppress(OSError):
            item.shutdown(socket.SHUT_RDWR)
        item.close()


class S3Server:
    """moto's, in this process. It checks signatures (with botocore), and that a key has the right to what it asks for.

    `key_id` and `secret` may put objects into `bucket` and do nothing else; the server itself looks with a key of its own.
    """

    def __init__(self) -> None:
        from moto.core.authorization import enable_iam_authentication
        from moto.server import ThreadedMotoServer

        self.port = free_port()
        self._server: Any = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.bucket = f"evidence-{self.port}"  # what it holds outlives it, in this process
        self._own = self._user("owner", "s3:*")
        self.key_id, self.secret = self._user("house", "s3:PutObject")
        self._client().make_bucket(bucket_name=self.bucket)
        self._checks = enable_iam_authentication()
        self._checks.__enter__()

    def _user(self, name: str, right: str) -> tuple[str, str]:
        """A key and its secret."""
        from boto3 import client  # type: ignore[import-untyped]

        iam: Any = client(
            "iam", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self.port}",
            aws_access_key_id="first", aws_secret_access_key="first",
        )  # fmt: skip
        user = f"{name}-{self.port}"
        iam.create_user(UserName=user)
        rules = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": right, "Resource": "*"}],
        }
        iam.put_user_policy(UserName=user, PolicyName="only", PolicyDocument=json.dumps(rules))
        made = iam.create_access_key(UserName=user)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def _client(self) -> Any:
        from minio import Minio

        return Minio(
            endpoint=f"127.0.0.1:{self.port}",
            access_key=self._own[0],
            secret_key=self._own[1],
            secure=False,
            region="us-east-1",
        )

    def names(self) -> list[str]:
        return [
            item.object_name for item in self._client().list_objects(bucket_name=self.bucket, recursive=True)
        ]

    def download(self, folder: Path) -> Path:
        """As `aws s3 sync` would."""
        client = self._client()
        for name in self.names():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            answer = client.get_object(bucket_name=self.bucket, object_name=name)
            path.write_bytes(answer.read())
            answer.release_conn()
        return folder

    def stop(self) -> None:
        self._checks.__exit__(None, None, None)
        self._server.stop()


class WebdavServer:
    """WsgiDAV behind cheroot, in this process; with a `certificate` (key and certificate in one file) over https."""

    def __init__(self, root: Path, certificate: Path | None = None) -> None:
        from cheroot import wsgi
        from cheroot.ssl.builtin import BuiltinSSLAdapter
        from wsgidav.wsgidav_app import WsgiDAVApp

        root.mkdir()
        app: Any = WsgiDAVApp(  # type: ignore[no-untyped-call]
            {
                "provider_mapping": {"/": str(root)},
                "simple_dc": {"user_mapping": {"*": {"owner": {"password": "passed"}}}},
                "http_authenticator": {
                    "accept_basic": True,
                    "accept_digest": False,
                    "default_to_digest": False,
                },
                "logging": {"enable": False},
                "verbose": 0,
            }
        )
        self.root = root
        self._server = wsgi.Server(("127.0.0.1", 0), app)
        if certificate:
            self._server.ssl_adapter = BuiltinSSLAdapter(str(certificate), str(certificate))
        self._server.prepare()
        self.port: int = self._server.bind_addr[1]
        self._thread = threading.Thread(target=self._server.serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.stop()
        self._thread.join(5)
