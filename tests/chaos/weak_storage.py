"""Storage with synchronous=NORMAL: the control that a power-cut test must catch. No switch of the product does this."""

from __future__ import annotations

import sys
from pathlib import Path

import sqlalchemy as sa
from vigilar_storage import db

_strong = db._engine


def _weak(path: Path, *, read_only: bool) -> sa.Engine:
    engine = _strong(path, read_only=read_only)

    def weaken(connection: object, _record: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

    sa.event.listen(engine, "connect", weaken)
    return engine


if __name__ == "__main__":
    db._engine = _weak
    from vigilar_storage.__main__ import main

    sys.exit(main())
