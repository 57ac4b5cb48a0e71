"""What a camera's worker learnt from its owner's marks, which goes with the camera."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

MARKS_FILE: Final = "marks.db"
"""In the state folder of a camera's worker: vectors of what was marked, and of what may be."""


def forget(folder: Path) -> bool:
    """Of a camera that left the configuration: whether there was something. What cannot be deleted is logged."""
    found = sorted(folder.glob(f"{Path(MARKS_FILE).stem}.*"))
    for file in found:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            log.error("%s of a removed camera cannot be deleted: %s", file, error.strerror)  # noqa: TRY400
    if found:
        log.info("%s: what was learnt from marks is deleted with the camera", folder.name)
    return bool(found)
