"""The push service of the tests as a program: prints the browser it made, then one JSON line per message.

Run inside the network of the alerts container, so that it is loopback to it.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from push_service import PushService


def main() -> None:
    with PushService() as service:
        print(json.dumps({"subscription": service.subscribe()}), flush=True)
        told = 0
        while not threading.Event().wait(0.1):
            for message in service.messages[told:]:
                row = {
                    "path": message.path,
                    "data": message.data,
                    "body_bytes": message.body_bytes,
                    "at_s": time.time(),
                }
                print(json.dumps(row), flush=True)
                told += 1


if __name__ == "__main__":
    main()
