"""Wiring of the alerts service."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from vigilar_common.config import Config
from vigilar_common.config.slices import Slice
from vigilar_common.errors import StartupError
from vigilar_common.feed import Feed
from vigilar_common.service import App, Context
from vigilar_common.signed_urls import media_key, sign_action, sign_picture

from vigilar_alerts.adapters.local import Desktop, Syslog
from vigilar_alerts.adapters.store import Store
from vigilar_alerts.adapters.web_push import VapidKey, WebPush
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.findings import findings
from vigilar_alerts.domain.payload import payload
from vigilar_alerts.domain.retry import Answer
from vigilar_alerts.handlers import FACT_TYPES, UI, Channels, Handlers, table
from vigilar_alerts.subscriptions import Subscriptions

log = logging.getLogger("vigilar.alerts.service")

TICK_S = 5.0
SENT = Answer(204)


class Alerts:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = False
        self._config = context.config
        self._wake = threading.Event()
        self._store = Store(context.state_dir / "alerts.db")
        self._syslog, self._desktop = Syslog(), Desktop()
        self._key: VapidKey | None = None
        self._web_push: WebPush | None = None
        self._key_problem = ""
        self._media_key: bytes | None = None
        self._media_key_problem = ""
        self._deliverer = Deliverer(
            store=self._store,
            clock=context.clock,
            facts=context.facts,
            channels={
                UI: lambda _alert, _target: SENT,
                "syslog": lambda alert, _target: self._syslog.send(alert, self._deliverer.anchor),
                "desktop": lambda alert, _target: self._desktop.send(alert),
                "web_push": self._push,
            },
            on_gone=self._gone,
        )
        self._subscriptions = Subscriptions(
            store=self._store,
            bus=context.bus,
            facts=context.facts,
            public_key=self._public_key,
            extra_endpoints=lambda: self._config.alerts.web_push.extra_endpoints,
            last_delivered_ms=lambda: self._deliverer.last_delivered_ms,
            on_added=self._wake.set,
        )
        self._handlers = Handlers(
            clock=context.clock,
            store=self._store,
            deliverer=self._deliverer,
            subscriptions=self._subscriptions,
            facts=context.facts,
            bus=context.bus,
            config=context.config,
            channels=self._channels,
        )
        self._feed = Feed(
            "alerts",
            FACT_TYPES,
            self._handlers.on_fact,
            bus=context.bus,
            storage=context.storage,
            clock=context.clock,
            state_dir=context.state_dir,
        )
        self._ticker = threading.Thread(target=self._tick, name="alerts-tick", daemon=True)
        self._recovered = False
        self._told_delivered_ms = 0
        context.health.live_when("deliveries", self._deliverer.problem)
        context.health.live_when("feed", self._feed.problem)
        context.health.live_when("tick", self._tick_problem)
        context.health.metrics.register(_Metrics(self._handlers, self._deliverer, self._store))

    def start(self) -> None:
        self._store.open()
        self._handlers.start()
        self._load_keys()
        if self._config.alerts.local.enabled and self._config.alerts.local.syslog:
            self._syslog.open()
        self._subscriptions.assert_info()
        self._deliverer.start()
        for topic, handler in table(self._handlers, self._subscriptions).items():
            self._context.bus.subscribe(topic, handler)
        self._feed.start()
        self._ticker.start()
        self._started = True

    def stop(self) -> None:
        self._context.stopping.set()
        self._wake.set()
        self._feed.stop()
        self._deliverer.stop()
        if self._ticker.is_alive():
            self._ticker.join(2)
        self._syslog.close()
        self._store.close()

    def not_ready_reason(self) -> str:
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        before, after = self._config.alerts, new.config.alerts
        if (before.local, before.web_push) != (after.local, after.web_push):
            return False  # keys and handlers are opened at start
        self._config = new.config
        self._handlers.configure(new.config)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        found = findings(
            web_push=self._config.alerts.web_push,
            key_problem=self._key_problem,
            media_key_problem=self._media_key_problem,
            subscriptions=len(self._store.subscriptions()),
        )
        return {
            "waiting_deliveries": self._store.waiting(),
            "subscriptions": len(self._store.subscriptions()),
            "findings": [finding.model_dump(mode="json") for finding in found],
        }

    # -- channels -----------------------------------------------------------------------------------

    def _channels(self) -> Channels:
        local = self._config.alerts.local
        return Channels(
            web_push=self._web_push is not None,
            syslog=self._syslog.target if local.enabled and local.syslog else "",
            desktop=local.enabled and local.desktop_notify,
        )

    def _public_key(self) -> str:
        return self._key.public if self._key else ""

    def _push(self, alert: Alert, target: str) -> Answer:
        subscription = self._store.subscription(target)
        if self._web_push is None or subscription is None:
            return Answer(
                400, "Web Push was switched off" if subscription else "the subscription was removed"
            )
        now_ms = self._context.clock.now_ms()
        picture_url = ""
        if alert.picture_id and self._media_key:
            picture_url = sign_picture(self._media_key, alert.picture_id, now_ms)
        token = ""
        if alert.acknowledgeable and self._media_key:
            token = sign_action(self._media_key, alert.alert_id, target, now_ms)
        settings = self._config.alerts.web_push
        data = payload(alert, picture_url, now_ms, token)
        return self._web_push.send(
            subscription, alert, data, settings.vapid_claim_email, settings.extra_endpoints
        )

    def _gone(self, target: str, reason: str) -> None:
        self._subscriptions.remove(target, reason)

    def _load_keys(self) -> None:
        """A missing or broken key costs its channel, never the others."""
        secrets = self._context.secrets
        try:
            self._media_key = media_key(secrets.text("media_key"))
        except (StartupError, ValueError) as error:
            self._media_key_problem = str(error)
            log.error("notifications carry no pictures: %s", error)  # noqa: TRY400 the reason says it all
        if not self._config.alerts.web_push.enabled:
            return
        try:
            self._key = VapidKey(_vapid_path(self._context, self._config))
        except StartupError as error:
            self._key_problem = str(error)
            log.error("Web Push is off: %s", error)  # noqa: TRY400
            return
        self._web_push = WebPush(self._key, self._context.clock)

    # -- time ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        warm = False
        while not self._context.stopping.is_set():
            try:
                if not self._recovered:
                    self._recovered = self._subscriptions.recover(self._context.storage)
                if not warm and self._web_push and self._store.subscriptions():
                    self._web_push.warm_up()
                    warm = True
                self._handlers.tick()
                if self._deliverer.last_delivered_ms != self._told_delivered_ms:
                    self._told_delivered_ms = self._deliverer.last_delivered_ms
                    self._subscriptions.assert_info()
            except Exception:
                log.exception("a regular task failed; tried again in %g s", TICK_S)
            self._context.clock.wait(self._wake, TICK_S)
            self._wake.clear()

    def _tick_problem(self) -> str:
        if self._ticker.ident and not self._ticker.is_alive() and not self._context.stopping.is_set():
            return "the ticking thread died"
        return ""


def _vapid_path(context: Context, config: Config) -> Path:
    """The operator's own key wins over the one that was made at installation. Raises StartupError."""
    own = Path(config.alerts.web_push.vapid_private_key_file)
    return own if own.is_file() else context.secrets.path("vapid_private.pem")


class _Metrics(Collector):
    def __init__(self, handlers: Handlers, deliverer: Deliverer, store: Store) -> None:
        self._handlers, self._deliverer, self._store = handlers, deliverer, store

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        decisions = CounterMetricFamily("vigilar_alert_decisions", "events by decision", labels=["decision"])
        for reason, count in list(self._handlers.decisions.items()):
            decisions.add_metric([reason], count)
        deliveries = CounterMetricFamily(
            "vigilar_alert_deliveries", "attempts by channel and outcome", labels=["channel", "outcome"]
        )
        for (channel, outcome), count in list(self._deliverer.outcomes.items()):
            deliveries.add_metric([channel, outcome], count)
        waiting = GaugeMetricFamily(
            "vigilar_alert_waiting_deliveries", "deliveries not settled", self._store.waiting()
        )
        return [decisions, deliveries, waiting]


def build(context: Context) -> App:
    return Alerts(context)
