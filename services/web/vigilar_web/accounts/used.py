"""When a credential was last used, and what must not be used twice; kept over a restart."""

from __future__ import annotations

from vigilar_common.clock import Clock

from vigilar_web.database import Database

USED_EVERY_MS = 60_000
"""How stale the kept time of a token's last use may get."""


class Used:
    """By the id of the credential. `counter`: the newest time step of a TOTP secret, the count of a passkey."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db, self._clock = database, clock
        self._rows: dict[str, tuple[int, int]] = {
            str(row[0]): (int(row[1]), int(row[2]))
            for row in database.rows("SELECT credential_id, used_ms, counter FROM used")
        }

    def last_ms(self, credential_id: str) -> int | None:
        found = self._rows.get(credential_id)
        return found[0] if found else None

    def counter(self, credential_id: str) -> int:
        found = self._rows.get(credential_id)
        return found[1] if found else 0

    def note(self, credential_id: str, counter: int = 0) -> None:
        now_ms = self._clock.now_ms()
        used_ms, before = self._rows.get(credential_id, (0, 0))
        if counter <= before and now_ms - used_ms < USED_EVERY_MS:
            return
        self._rows[credential_id] = (now_ms, max(counter, before))
        self._db.write(
            "INSERT INTO used (credential_id, used_ms, counter) VALUES (?, ?, ?) ON CONFLICT (credential_id) "
            "DO UPDATE SET used_ms = excluded.used_ms, counter = excluded.counter",
            credential_id, *self._rows[credential_id],
        )  # fmt: skip
