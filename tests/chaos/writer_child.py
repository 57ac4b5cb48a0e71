"""The camera worker's writer as a program, so that each of its system calls can be made to fail.

Ten seconds of film in simulated time; what was told comes as JSON on standard output.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from pathlib import Path

from camera_media import START_MS, stream_format, video
from vigilar_camera_worker.adapters.files import Incoming
from vigilar_camera_worker.domain.session import Close, Open
from vigilar_camera_worker.writer import Writer
from vigilar_common.clock import uuid7
from vigilar_common.crypto.keys import load_public_key
from vigilar_common.messages import Fact
from vigilar_common.messages.camera import Trigger
from vigilar_common.testing import FakeClock

STEP_S = 0.1
DRAIN_LIMIT_S = 10.0


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    folder, public = Path(sys.argv[1]), load_public_key(Path(sys.argv[2]))
    clock = FakeClock(START_MS)
    told: list[Fact] = []
    incoming = Incoming(folder, "front", True, (public,), clock)
    writer = Writer(incoming, "front", told.append, clock, 1.0)
    writer.start()
    writer.put(Open(uuid7(clock), Trigger.CONTINUOUS, None, stream_format()))
    for packet in video():
        writer.put(packet, force=True)  # handled at once, not when its fragment can end
        until_s = time.monotonic() + DRAIN_LIMIT_S
        while writer.queued_bytes and time.monotonic() < until_s:
            time.sleep(0.001)
        clock.advance(STEP_S)
    writer.put(Close("the film is over"))
    writer.stop(DRAIN_LIMIT_S)
    facts = [{"type": fact.TYPE, **fact.body()} for fact in told]
    sys.stdout.write(json.dumps({"facts": facts, "alive": writer.alive, "problem": writer.problem}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
