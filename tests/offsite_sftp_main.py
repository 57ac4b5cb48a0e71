"""An SFTP server by others (asyncssh) in a process of its own: `offsite_sftp_main.py FOLDER PORT`.

FOLDER holds `host_key`, `authorized_keys` and `root`, which clients see as /.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import asyncssh


async def serve(folder: Path, port: int) -> None:
    def rooted(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder / "root").encode())

    await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[str(folder / "host_key")],
        authorized_client_keys=str(folder / "authorized_keys"),
        sftp_factory=rooted,
    )
    sys.stdout.write("listens\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
