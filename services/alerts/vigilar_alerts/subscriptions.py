"""Who gets Web Push: browsers come and go by command, and by what their push services say."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import Any

from vigilar_common import logs
from vigilar_common.bus import Bus, Received
from vigilar_common.derived import derived_id
from vigilar_common.errors import OutboxFullError, StorageRefusedError, StorageUnavailableError
from vigilar_common.messages import Fact
from vigilar_common.messages.alerts import (
    PushInfo,
    PushRemoved,
    PushSubscribe,
    PushSubscribed,
    PushUnsubscribe,
)
from vigilar_common.outbox import FactLog
from vigilar_common.storage_client import StorageClient
from vigilar_common.topics import PUSH_INFO

from vigilar_alerts.adapters.store import Store, Subscription
from vigilar_alerts.adapters.web_push import why_not_keys
from vigilar_alerts.domain import endpoints

log = logging.getLogger("vigilar.alerts.subscriptions")

MAX_SUBSCRIPTIONS = 64
PAGE = 200
MAX_PAGES = 10


class Subscriptions:
    """`public_key` is empty when Web Push is off."""

    def __init__(
        self,
        *,
        store: Store,
        bus: Bus,
        facts: FactLog,
        public_key: Callable[[], str],
        extra_endpoints: Callable[[], tuple[str, ...]],
        last_delivered_ms: Callable[[], int],
        on_added: Callable[[], None],
        channels: Callable[[], list[str]] = list,
    ) -> None:
        self._store, self._bus, self._facts = store, bus, facts
        self._on_added, self._channels = on_added, channels
        self._public_key, self._extra, self._last_delivered_ms = (
            public_key,
            extra_endpoints,
            last_delivered_ms,
        )

    def assert_info(self) -> None:
        """Retained: what a browser needs to subscribe."""
        count = len(self._store.subscriptions())
        for subscription in self._store.subscriptions():
            logs.hide(subscription.endpoint)
        key = self._public_key()
        info = PushInfo(
            public_key=key,
            enabled=bool(key),
            subscriptions=count,
            last_delivered_ms=self._last_delivered_ms(),
            channels=self._channels(),
        )
        self._bus.set_state(PUSH_INFO, info)

    def on_subscribe(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, PushSubscribe)
        if not self._public_key():
            received.reply(
                ok=False, code="web_push_off", message="Web Push is switched off, see [alerts.web_push]."
            )
            return
        if why := endpoints.why_not(command.endpoint, self._extra()):
            log.warning("refused a push subscription of %r: %s", command.user, why)
            received.reply(ok=False, code="endpoint_not_allowed", message=f"Not a push service: {why}.")
            return
        if why := why_not_keys(command.p256dh, command.auth):
            received.reply(ok=False, code="bad_keys", message=f"The browser's keys cannot be used: {why}.")
            return
        subscription_id = subscription_id_of(command.endpoint)
        known = {s.subscription_id for s in self._store.subscriptions()}
        if subscription_id not in known and len(known) >= MAX_SUBSCRIPTIONS:
            text = f"There are {MAX_SUBSCRIPTIONS} devices already; remove one first."
            received.reply(ok=False, code="too_many_devices", message=text)
            return
        logs.hide(command.endpoint)
        self._store.subscribe(
            Subscription(
                subscription_id, command.endpoint, command.p256dh, command.auth, command.user, command.device
            )
        )
        self._emit(
            PushSubscribed(
                subscription_id=subscription_id,
                endpoint=command.endpoint,
                p256dh=command.p256dh,
                auth=command.auth,
                user=command.user,
                device=command.device,
            )
        )
        log.info("push subscription %s added by %r", subscription_id, command.user)
        self.assert_info()
        self._on_added()
        received.reply(ok=True, message="This device gets notifications.", data={"id": subscription_id})

    def on_unsubscribe(self, received: Received) -> None:
        command = received.message
        assert isinstance(command, PushUnsubscribe)
        removed = self.remove(subscription_id_of(command.endpoint), f"removed by {command.user}")
        # Asking twice is no error: what was wanted holds.
        text = "This device gets no more notifications." if removed else "This device was not subscribed."
        received.reply(ok=True, message=text)

    def remove(self, subscription_id: str, reason: str) -> bool:
        removed = self._store.unsubscribe(subscription_id)
        if removed:
            log.info("push subscription %s removed: %s", subscription_id, reason)
            self._emit(PushRemoved(subscription_id=subscription_id, reason=reason[:500]))
            self.assert_info()
        return removed

    def recover(self, storage: StorageClient) -> bool:
        """Fetch what storage knows when nothing is known here (a lost state folder). True when there is no more to do."""
        if self._store.subscriptions():
            return True
        cursor: str | None = None
        found = 0
        for _ in range(MAX_PAGES):
            try:
                page = storage.get("/v1/push-subscriptions", limit=PAGE, cursor=cursor)
            except StorageUnavailableError:
                return False
            except StorageRefusedError as error:
                log.error("subscriptions cannot be fetched from storage: %s", error)  # noqa: TRY400
                return True
            found += sum(self._recover_one(row) for row in page["items"])
            cursor = page.get("next")
            if not cursor:
                break
        if found:
            log.warning("%d push subscriptions were recovered from storage", found)
            self.assert_info()
        return True

    def _recover_one(self, row: dict[str, Any]) -> bool:
        endpoint, p256dh, auth = (str(row.get(key) or "") for key in ("endpoint", "p256dh", "auth"))
        if not endpoint or endpoints.why_not(endpoint, self._extra()) or why_not_keys(p256dh, auth):
            return False
        if len(self._store.subscriptions()) >= MAX_SUBSCRIPTIONS:
            return False
        user, device = str(row.get("user") or ""), str(row.get("device") or "")
        self._store.subscribe(
            Subscription(subscription_id_of(endpoint), endpoint, p256dh, auth, user, device)
        )
        return True

    def _emit(self, fact: Fact) -> None:
        try:
            self._facts.emit(fact)
        except (OutboxFullError, sqlite3.Error) as error:
            log.critical("%s is not in the log: %s", fact.TYPE, error)


def subscription_id_of(endpoint: str) -> str:
    """The same browser subscription always has the same id."""
    return derived_id("push.subscription", endpoint)
