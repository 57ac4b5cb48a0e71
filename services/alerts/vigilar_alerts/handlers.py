"""Facts in, deliveries out. The table of topics is at the foot."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from vigilar_common.bus import Bus, Handler, Received
from vigilar_common.clock import Clock
from vigilar_common.config import Config
from vigilar_common.messages import Fact
from vigilar_common.messages.system import StorageCheckpoint
from vigilar_common.outbox import FactLog
from vigilar_common.topics import (
    ALARM_STATE,
    CMD_ALERT,
    CMD_ALERT_ASK,
    CMD_ALERT_TEST,
    CMD_PUSH_SUBSCRIBE,
    CMD_PUSH_UNSUBSCRIBE,
    PICTURE,
    STORAGE_CHECKPOINT,
    Topic,
)

from vigilar_alerts.adapters.casebook import Casebook
from vigilar_alerts.adapters.store import Job, Store, Write
from vigilar_alerts.cases import FACT_TYPES as FACT_TYPES
from vigilar_alerts.cases import LISTED, Cases
from vigilar_alerts.cases import UI as UI
from vigilar_alerts.channels import Target
from vigilar_alerts.delivery import Deliverer
from vigilar_alerts.desk import Desk
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.decide import Aim
from vigilar_alerts.domain.endpoints import host_of
from vigilar_alerts.domain.order import stages
from vigilar_alerts.subscriptions import Subscriptions
from vigilar_alerts.trial import Trial

log = logging.getLogger("vigilar.alerts.decisions")

PICTURE_WAIT_MS = 1000
"""A notification leaves with its picture, or without after this time."""
MAX_PICTURES = 256
UPDATED = frozenset({"web_push", "webhook", "mqtt"})
"""Channels whose receiver can replace what it was told: they get silent updates, the others only what sounds."""


@dataclass(frozen=True)
class Channels:
    """Which channels are on, and what syslog calls its target."""

    web_push: bool
    syslog: str
    desktop: bool
    outside: tuple[Target, ...] = ()
    """Who is told through e-mail, webhook and the like."""


class Handlers:
    def __init__(
        self,
        *,
        clock: Clock,
        store: Store,
        deliverer: Deliverer,
        subscriptions: Subscriptions,
        facts: FactLog,
        bus: Bus,
        config: Config,
        channels: Callable[[], Channels],
        keep_picture: Callable[[str, bytes], None] = lambda _id, _jpeg: None,
    ) -> None:
        self._clock, self._store, self._deliverer = clock, store, deliverer
        self._subscriptions, self._channels = subscriptions, channels
        self._keep_picture, self._config = keep_picture, config
        self._lock = threading.RLock()
        self._pictures: OrderedDict[str, None] = OrderedDict()
        self.decisions: Counter[str] = Counter()
        self.cases = Cases(
            clock=clock,
            store=store,
            casebook=Casebook(store),
            facts=facts,
            bus=bus,
            config=config,
            decisions=self.decisions,
            tell=self.tell,
        )
        self.desk = Desk(self.cases, store, clock)

    def start(self) -> None:
        """Raises sqlite3.Error when the file of the alerts cannot be used."""
        self.cases.start()

    def configure(self, config: Config) -> None:
        self._config = config
        self.cases.configure(config)

    def on_fact(self, fact: Fact, age_s: float, live: bool) -> None:  # noqa: ARG002 the feed's signature
        """Once per fact: decide, and put the deliveries on disk before the fact counts as handled."""
        self.cases.on_fact(fact, age_s)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Facts that are decided within are kept with one commit: after an outage a thousand wait. Locks as everywhere
        in this order: the decisions', the deliveries', the file's. Raises sqlite3.Error when the file cannot be used."""
        with self.cases.lock, self._lock, self._store.together():
            yield
        self._deliverer.wake()

    def tick(self) -> None:
        """Every few seconds: what time alone brings."""
        self.cases.tick()

    def tell(self, alert: Alert, aim: Aim, push: bool, rows: frozenset[str], also: Write) -> bool:
        """Put its deliveries on disk, with `also` in the same transaction; False: this telling was known already."""
        with self._lock:
            jobs = self._jobs(alert, self._clock.now_ms(), push)
            if not push:
                jobs = [job for job in jobs if job.channel in LISTED]
            if alert.silent:
                jobs = [job for job in jobs if job.channel in LISTED | UPDATED]
            jobs = [job for job in jobs if job.channel in rows or job.channel not in LISTED]
            jobs = self._aimed(jobs, aim) if push else jobs
            added = self._store.add(alert, self._in_order(jobs), also)
        if not added:
            self.decisions["repeated"] += 1
        self._deliverer.wake()
        return added

    def on_checkpoint(self, received: Received) -> None:
        """The newest one goes along with what leaves the house from now on."""
        if isinstance(received.message, StorageCheckpoint):
            self._deliverer.anchor = received.message.anchor

    def on_picture(self, received: Received) -> None:
        """A push carries a link, mail the picture itself: who waited for it may go."""
        picture_id = received.properties.get("picture_id", "")
        if not picture_id:
            return
        with self._lock:
            self._pictures[picture_id] = None
            if len(self._pictures) > MAX_PICTURES:
                self._pictures.popitem(last=False)
            self._keep_picture(picture_id, received.payload)
            released = self._store.picture_came(picture_id, self._clock.now_ms())
        if released:
            self._deliverer.wake()

    def _aimed(self, jobs: list[Job], aim: Aim) -> list[Job]:
        """Those that a rule, a profile or a step names, and the alerts page; what is off or unknown is counted and told."""
        if aim.channels:
            on = self._channels()
            there = {"web_push": on.web_push, "syslog": bool(on.syslog), "desktop": on.desktop}
            there |= {target.channel: True for target in on.outside}
            for name in aim.channels:
                if not there.get(name):
                    self.decisions["no_channel"] += 1
                    log.warning("an alert shall go through %.20s, which is switched off or not there", name)
            named = [job for job in jobs if job.channel in (UI, *aim.channels)]
            # A rule gets what it says; a profile or a step that names only what is off must not silence an alert.
            if aim.strict or any(there.get(name) for name in aim.channels):
                jobs = named
        if aim.people:
            users = {s.subscription_id: s.user for s in self._store.subscriptions()}
            others = [j for j in jobs if j.channel == "web_push" and users.get(j.target) not in aim.people]
            if len(others) < sum(job.channel == "web_push" for job in jobs):
                jobs = [job for job in jobs if job not in others]
            elif others:
                self.decisions["no_people"] += 1
                log.warning("no device of %s is subscribed: everybody is told", ", ".join(aim.people)[:200])
        return jobs

    def _jobs(self, alert: Alert, now_ms: int, push: bool) -> list[Job]:
        channels = self._channels()
        jobs = [Job(alert, UI, "alerts page", due_ms=now_ms)]
        if channels.syslog:
            jobs.append(Job(alert, "syslog", channels.syslog, due_ms=now_ms))
        if channels.desktop and push:
            jobs.append(Job(alert, "desktop", "notify-send", due_ms=now_ms))
        if push:
            waits = alert.picture_id is not None and alert.picture_id not in self._pictures
            picture_ms = now_ms + (PICTURE_WAIT_MS if waits else 0)
            if channels.web_push:
                jobs += [
                    Job(alert, "web_push", s.subscription_id, host_of(s.endpoint), due_ms=picture_ms)
                    for s in self._store.subscriptions()
                ]
            jobs += [
                Job(alert, t.channel, t.name, t.host, due_ms=picture_ms if t.picture else now_ms)
                for t in channels.outside
            ]
        return jobs

    def _in_order(self, jobs: list[Job]) -> list[Job]:
        """Channels of `[alerts] fallback` wait for those before them."""
        settings = self._config.alerts
        places = stages([job.channel for job in jobs], settings.fallback)
        wait_ms = settings.fallback_after_s * 1000
        return [
            replace(job, stage=place, due_ms=job.due_ms + round(place * wait_ms))
            if (place := places.get(job.channel, -1)) >= 0
            else job
            for job in jobs
        ]


def table(handlers: Handlers, subscriptions: Subscriptions, trial: Trial) -> Mapping[Topic, Handler]:
    """Who hears what; events come through the feed (FACT_TYPES)."""
    return {
        PICTURE: handlers.on_picture,
        STORAGE_CHECKPOINT: handlers.on_checkpoint,
        CMD_PUSH_SUBSCRIBE: subscriptions.on_subscribe,
        CMD_PUSH_UNSUBSCRIBE: subscriptions.on_unsubscribe,
        CMD_ALERT_TEST: trial.on_test,
        CMD_ALERT: handlers.desk.on_command,
        CMD_ALERT_ASK: handlers.desk.on_question,
        ALARM_STATE: handlers.cases.on_alarm_state,
    }
