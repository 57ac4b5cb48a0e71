"""One address tried out for the web page, with a picture of it.

What a camera sends is not trusted: FFmpeg sees it in a process of its own, which holds no secret, has bounded memory and
is ended when it takes too long. Whatever happens to it, the scout goes on and says so.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import Any, Final

from vigilar_common.bus import Received
from vigilar_common.clock import Clock, SystemClock
from vigilar_common.config.base import CAMERA_SCHEMES
from vigilar_common.errors import VigilarError
from vigilar_common.messages.camera import TryCamera

from vigilar_camera_worker.turns import MAX_REPLY_BYTES, Turns

PAUSE_S: Final = 1.0
WATCH_S: Final = 8.0
"""Until a keyframe came; with a picture it ends sooner."""
LIMIT_S: Final = 22.0
"""Three transports may be tried, each for five seconds."""
PASSED_ON: Final = ("PATH", "LANG", "PYTHONPATH", "HOME", "LD_LIBRARY_PATH")


class TrialError(VigilarError):
    """An address that was not tried out to the end."""


def trials(clock: Clock) -> Turns:
    busy = "Another address is being tried out: wait a moment."
    return Turns("trials", clock, PAUSE_S, busy, _tried)


def _tried(received: Received) -> dict[str, Any]:
    """Raises TrialError."""
    command = received.message
    assert isinstance(command, TryCamera)
    schemes = tuple(f"{scheme}://" for scheme in CAMERA_SCHEMES)
    if not command.url.startswith(schemes) or not command.url.isprintable():
        raise TrialError(f"an address begins with one of {', '.join(schemes)}")
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "vigilar_camera_worker.trial"],
            input=command.url.encode() + b"\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # FFmpeg's own words may hold the address
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TrialError(f"the camera did not show a picture within {LIMIT_S:.0f} s") from None
    if ended.returncode < 0:
        raise TrialError("what this address sends made the decoder fail; it is no picture that can be used")
    if ended.returncode or len(ended.stdout) > MAX_REPLY_BYTES:
        raise TrialError(f"the trial ended with {ended.returncode} and {len(ended.stdout)} bytes")
    data: dict[str, Any] = json.loads(ended.stdout)
    return data


def main() -> int:
    """The process of one trial: an address on standard input, JSON on standard output."""
    from vigilar_camera_worker.forked import limit_resources
    from vigilar_camera_worker.probe import probe

    limit_resources()
    found = probe(sys.stdin.readline().strip(), SystemClock(), WATCH_S, picture=True)
    told = found.to_json() | {"picture": base64.b64encode(found.picture).decode()}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
