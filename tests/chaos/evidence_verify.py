"""What `vigilar verify` says of a house, asked in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import Any

from storage_rig import Rig
from vigilar_storage import cli


def verify(rig: Rig, *more: str) -> dict[str, Any]:
    before, out = dict(os.environ), io.StringIO()
    os.environ.update(rig.env)
    try:
        with contextlib.redirect_stdout(out):
            code = cli.main(["verify", "--json", *more])
    finally:
        os.environ.clear()
        os.environ.update(before)
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert answer["exit_code"] == code
    return answer
