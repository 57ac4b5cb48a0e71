"""Names that the pool needs too; it loads no video library."""

from __future__ import annotations

from typing import Final

NAME_PREFIX: Final = "camera-worker-"
