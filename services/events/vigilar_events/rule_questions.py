"""Questions about rules over the broker: the list, and dry runs, one at a time, on a thread of their own."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from vigilar_common.bus import Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.config.rules import Rule
from vigilar_common.errors import StorageRefusedError, StorageUnavailableError
from vigilar_common.messages.rules import RulesAction, RulesCommand

from vigilar_events.rule_dry_run import Log, dry_run
from vigilar_events.rules import Rules

log = logging.getLogger("vigilar.events.rules")

MAX_PAGE_BYTES = 48_000
"""Of a list; a reply may have 65,536."""


class Questions:
    def __init__(
        self,
        *,
        clock: Clock,
        rules: Rules,
        storage: Log,
        config: Callable[[], Config],
        stopping: threading.Event,
    ) -> None:
        self._clock, self._rules, self._storage = clock, rules, storage
        self._config, self._stopping = config, stopping
        self._testing = threading.Lock()

    def on_command(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, RulesCommand)
        if command.action is RulesAction.LIST:
            received.reply(ok=True, data=self._list(command.after))
            return
        try:
            rule = self._wanted(command)
        except ValidationError as error:
            received.reply(ok=False, code="invalid", message=_first(error))
            return
        if rule is None:
            received.reply(ok=False, code="not_found", message="There is no rule with this id.")
        elif not self._testing.acquire(blocking=False):
            received.reply(
                ok=False, code="busy", message="A rule is being tried already; wait for it to end."
            )
        else:
            threading.Thread(
                target=self._test, args=(received, command, rule), name="rule-dry-run", daemon=True
            ).start()

    def _wanted(self, command: RulesCommand) -> Rule | None:
        """The rule that is sent, else the one of that id. Raises ValidationError."""
        if command.rule is not None:
            return Rule.model_validate(command.rule)
        return next((rule for rule in self._config().rules if rule.id == command.rule_id), None)

    def _list(self, after: int) -> dict[str, Any]:
        """As many as fit; `next` is where to go on, null at the end."""
        rules = self._rules.listed()
        shown: list[dict[str, Any]] = []
        size = 0
        for rule in rules[after:]:
            size += len(json.dumps(rule))
            if shown and size > MAX_PAGE_BYTES:
                break
            shown.append(rule)
        following = after + len(shown)
        return {"rules": shown, "next": following if following < len(rules) else None}

    def _test(self, received: Received, command: RulesCommand, rule: Rule) -> None:
        try:
            config = self._config()
            found = dry_run(
                rule, config, self._rules.known(), command.days, self._storage, self._clock, self._stopping
            )
            while len(json.dumps(found)) > MAX_PAGE_BYTES:
                longer = max("firings", "misses", key=lambda name: len(found[name]))
                found[longer] = found[longer][len(found[longer]) // 4 + 1 :]
            received.reply(ok=True, data=found)
        except (StorageUnavailableError, StorageRefusedError) as error:
            log.warning("rule %s was not tried: %s", rule.id, error)
            received.reply(
                ok=False,
                code="storage_unavailable",
                message="Storage does not answer: there is no past to try it on.",
            )
        except Exception:
            log.exception("rule %s could not be tried", rule.id)
            received.reply(ok=False, code="failed", message="The dry run failed; see the log of events.")
        finally:
            self._testing.release()


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, with its place."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"] if not str(part).startswith("["))
    return f"{place}: {found['msg'].removeprefix('Value error, ')}"[:300]
