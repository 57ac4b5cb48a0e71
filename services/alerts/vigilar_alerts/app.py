"""Wiring of the alerts service."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

from vigilar_common.config import Config
from vigilar_common.config.slices import Slice
from vigilar_common.egress import EgressError
from vigilar_common.errors import StartupError
from vigilar_common.feed import Feed
from vigilar_common.service import App, Context
from vigilar_common.signed_urls import media_key, sign_action, sign_picture
from vigilar_common.topics import SYSTEM_HEALTH

from vigilar_alerts.adapters.local import Desktop, Syslog
from vigilar_alerts.adapters.store import Job, Store
from vigilar_alerts.adapters.web_push import VapidKey, WebPush
from vigilar_alerts.channels import Outside
from vigilar_alerts.daily import Daily
from vigilar_alerts.delivery import PROVEN, Deliverer
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.channel_findings import channel_findings
from vigilar_alerts.domain.endpoints import host_of
from vigilar_alerts.domain.findings import findings
from vigilar_alerts.domain.payload import payload
from vigilar_alerts.domain.retry import Answer
from vigilar_alerts.domain.switched_off import why_nobody
from vigilar_alerts.handlers import FACT_TYPES, UI, Channels, Handlers, table
from vigilar_alerts.metrics import Metrics
from vigilar_alerts.subscriptions import Subscriptions
from vigilar_alerts.trial import Trial

log = logging.getLogger("vigilar.alerts.service")

TICK_S = 5.0
SENT = Answer(204)


class Alerts:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = False
        self._config, self._zone = context.config, context.slice.timezone
        self._wake = threading.Event()
        self._store = Store(context.state_dir / "alerts.db")
        self._syslog, self._desktop = Syslog(), Desktop()
        self._key: VapidKey | None = None
        self._web_push: WebPush | None = None
        self._key_problem = ""
        self._media_key: bytes | None = None
        self._media_key_problem = ""
        self._outside = Outside(
            context.clock,
            context.bus,
            self._config.alerts,
            context.slice.timezone,
            lambda: self._deliverer.anchor,
        )
        self._deliverer = Deliverer(
            store=self._store,
            clock=context.clock,
            facts=context.facts,
            channels={
                UI: lambda _alert, _target: SENT,
                "syslog": lambda alert, _target: self._syslog.send(alert, self._deliverer.anchor),
                "desktop": lambda alert, _target: self._desktop.send(alert),
                "web_push": self._push,
                **self._outside.senders(),
            },
            on_gone=self._gone,
        )
        self._subscriptions = Subscriptions(
            store=self._store,
            bus=context.bus,
            facts=context.facts,
            public_key=self._public_key,
            extra_endpoints=lambda: self._config.alerts.web_push.extra_endpoints,
            last_delivered_ms=lambda: self._deliverer.last_delivered_ms.get("web_push", 0),
            on_added=self._wake.set,
            channels=self._channels_on,
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
            keep_picture=self._outside.pictures.put,
        )
        self._daily = Daily(context.clock, self._store, self._deliverer, self._outside.targets)
        self._trial = Trial(context.clock, self._deliverer, self._trial_jobs, self._why_nobody)
        self._feed = Feed(
            "alerts",
            FACT_TYPES,
            self._handlers.on_fact,
            bus=context.bus,
            storage=context.storage,
            clock=context.clock,
            state_dir=context.state_dir,
            together=self._handlers.together,
        )
        self._ticker = threading.Thread(target=self._tick, name="alerts-tick", daemon=True)
        self._recovered = self._warm = self._warm_push = False
        self._told_delivered_ms = 0
        context.health.live_when("deliveries", self._deliverer.problem)
        context.health.live_when("feed", self._feed.problem)
        context.health.live_when("tick", self._tick_problem)
        context.health.metrics.register(Metrics(self._handlers, self._deliverer, self._store))

    def start(self) -> None:
        self._store.open()
        self._handlers.start()
        self._load_keys()
        if self._config.alerts.local.enabled and self._config.alerts.local.syslog:
            self._syslog.open()
        self._subscriptions.assert_info()
        self._deliverer.start()
        self._context.bus.subscribe(SYSTEM_HEALTH, self._daily.on_health)
        for topic, handler in table(self._handlers, self._subscriptions, self._trial).items():
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
        self._config, self._zone = new.config, new.timezone
        self._outside.configure(new.config.alerts, new.timezone)
        if self._web_push:
            self._web_push.egress = self._outside.egress
        self._warm = False
        self._handlers.configure(new.config)
        self._subscriptions.assert_info()
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        found = findings(
            web_push=self._config.alerts.web_push,
            key_problem=self._key_problem,
            media_key_problem=self._media_key_problem,
            subscriptions=len(self._store.subscriptions()),
        )
        found += channel_findings(
            self._config.alerts,
            push_proven=bool(self._store.note(PROVEN + "web_push")),
            subscriptions=len(self._store.subscriptions()),
        )
        return {
            "waiting_deliveries": self._store.waiting(),
            "subscriptions": len(self._store.subscriptions()),
            "resting_servers": self._deliverer.resting(),
            "findings": [finding.model_dump(mode="json") for finding in found],
        }

    # -- channels -----------------------------------------------------------------------------------

    def _channels(self) -> Channels:
        local = self._config.alerts.local
        return Channels(
            web_push=self._web_push is not None,
            syslog=self._syslog.target if local.enabled and local.syslog else "",
            desktop=local.enabled and local.desktop_notify,
            outside=self._outside.targets(),
        )

    def _channels_on(self) -> list[str]:
        on = self._channels()
        found = dict.fromkeys(target.channel for target in on.outside)
        here = (("web_push", on.web_push), ("syslog", bool(on.syslog)), ("desktop", on.desktop))
        return [*(name for name, is_on in here if is_on), *found]

    def _trial_jobs(self, channel: str, alert: Alert) -> list[Job]:
        """A delivery for everybody who is told through the channel."""
        on = self._channels()
        jobs = [Job(alert, target.channel, target.name, target.host) for target in on.outside]
        if on.web_push:
            jobs += [
                Job(alert, "web_push", s.subscription_id, host_of(s.endpoint))
                for s in self._store.subscriptions()
            ]
        if on.syslog:
            jobs.append(Job(alert, "syslog", on.syslog))
        if on.desktop:
            jobs.append(Job(alert, "desktop", "notify-send"))
        return [job for job in jobs if job.channel == channel]

    def _why_nobody(self, channel: str) -> str:
        return why_nobody(channel, self._config.alerts, self._key_problem)

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
        self._web_push = WebPush(self._key, self._context.clock, self._outside.egress)

    # -- time ---------------------------------------------------------------------------------------

    def _tick(self) -> None:
        while not self._context.stopping.is_set():
            try:
                if not self._recovered:
                    self._recovered = self._subscriptions.recover(self._context.storage)
                self._warm_up()
                self._handlers.tick()
                self._daily.run(self._config, self._zone)
                pushed_ms = self._deliverer.last_delivered_ms.get("web_push", 0)
                if pushed_ms != self._told_delivered_ms:
                    self._told_delivered_ms = pushed_ms
                    self._subscriptions.assert_info()
            except Exception:
                log.exception("a regular task failed; tried again in %g s", TICK_S)
            self._context.clock.wait(self._wake, TICK_S)
            self._wake.clear()

    def _warm_up(self) -> None:
        """What channels need is loaded before the first alarm, and only what is used."""
        try:
            if not self._warm:
                self._warm = True
                self._outside.warm_up()
            if not self._warm_push and self._web_push and self._store.subscriptions():
                self._warm_push = True
                self._web_push.warm_up()
        except EgressError as error:
            log.error("%s", error)  # noqa: TRY400 the reason says it all

    def _tick_problem(self) -> str:
        if self._ticker.ident and not self._ticker.is_alive() and not self._context.stopping.is_set():
            return "the ticking thread died"
        return ""


def _vapid_path(context: Context, config: Config) -> Path:
    """The operator's own key wins over the one that was made at installation. Raises StartupError."""
    own = Path(config.alerts.web_push.vapid_private_key_file)
    # os.access: where root keeps the keys, this user may not even ask whether it is there.
    return own if os.access(own, os.R_OK) else context.secrets.path("vapid_private.pem")


def build(context: Context) -> App:
    return Alerts(context)
