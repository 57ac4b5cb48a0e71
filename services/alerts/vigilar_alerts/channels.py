"""The channels that leave this machine: who is told through them, and how each sends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from vigilar_common import logs
from vigilar_common.bus import Bus
from vigilar_common.clock import Clock
from vigilar_common.config.alerts import Alerts
from vigilar_common.egress import Egress
from vigilar_common.messages.alerts import AlertNotify
from vigilar_common.messages.system import LedgerAnchor
from vigilar_common.topics import ALERT_NOTIFY

from vigilar_alerts.adapters.apprise_urls import AppriseUrls, target_of
from vigilar_alerts.adapters.mail import Mail, recipients
from vigilar_alerts.adapters.pictures import Pictures
from vigilar_alerts.adapters.webhook import Webhook
from vigilar_alerts.domain.alert import Alert
from vigilar_alerts.domain.channel_findings import missing_of_mail
from vigilar_alerts.domain.retry import Answer

Send = Callable[[Alert, str], Answer]


@dataclass(frozen=True)
class Target:
    """Somebody who is told. `name` goes into rows and logs and holds no secret."""

    channel: str
    name: str
    host: str = ""
    """Whose slowness must not hold up others."""
    picture: bool = False
    """Waits a moment for the event's picture."""


class Outside:
    """`anchor` gives the ledger's newest checkpoint, for channels whose text may be kept elsewhere."""

    def __init__(
        self, clock: Clock, bus: Bus, settings: Alerts, zone: str, anchor: Callable[[], LedgerAnchor | None]
    ) -> None:
        self._clock, self._bus, self._anchor = clock, bus, anchor
        self.pictures = Pictures()
        self.configure(settings, zone)

    def configure(self, settings: Alerts, zone: str) -> None:
        self._settings, self._zone = settings, zone
        self.egress = Egress(self._clock, private=settings.private_targets, ca_file=settings.ca_file)
        self._mail = Mail(self.egress, self._clock)
        self._webhook = Webhook(self.egress, self._clock)
        self._apprise = AppriseUrls(self.egress, self._clock)
        for secret in (settings.email.password, settings.webhook.secret, *settings.apprise.urls):
            logs.hide(secret)

    def senders(self) -> Mapping[str, Send]:
        return {
            "email": self._send_mail,
            "webhook": self._send_webhook,
            "apprise": self._send_apprise,
            "mqtt": self._publish,
        }

    def targets(self) -> tuple[Target, ...]:
        """Everybody who is told through the channels that are on and complete."""
        email, webhook = self._settings.email, self._settings.webhook
        found = []
        if email.enabled and not missing_of_mail(self._settings):
            found += [
                Target("email", to, email.smtp_host, email.pictures) for to in recipients(email.to_addr)
            ]
        if webhook.enabled and webhook.url:
            host = urlsplit(webhook.url).hostname or ""
            found.append(Target("webhook", host, host))
        if self._settings.apprise.enabled:
            found += [
                Target("apprise", target_of(url), target_of(url), picture=True)
                for url in self._settings.apprise.urls
            ]
        if self._settings.mqtt.enabled:
            found.append(Target("mqtt", ALERT_NOTIFY.pattern))
        return tuple(found)

    def warm_up(self) -> None:
        """What is slow the first time is done before the first alarm. Raises EgressError."""
        if any(target.channel in ("email", "webhook", "apprise") for target in self.targets()):
            _ = self.egress.tls
        if self._settings.apprise.enabled and self._settings.apprise.urls:
            self._apprise.warm_up(self._settings.apprise.urls)

    def _link(self, alert: Alert) -> str:
        """Where the page shows it; empty while nobody said where the page is."""
        base = self._settings.page_url.rstrip("/")
        return base + alert.url if base else ""

    def _send_mail(self, alert: Alert, to: str) -> Answer:
        settings = self._settings.email
        if missing := missing_of_mail(self._settings):
            return Answer(400, f"[alerts.email] lacks {missing}", problem="setup")
        jpeg = self.pictures.get(alert.picture_id) if settings.pictures else None
        return self._mail.send(alert, to, settings, self._zone, self._anchor(), jpeg, self._link(alert))

    def _send_webhook(self, alert: Alert, _target: str) -> Answer:
        if not self._settings.webhook.url:
            return Answer(400, "[alerts.webhook] lacks url", problem="setup")
        return self._webhook.send(alert, self._settings.webhook, self._anchor(), self._link(alert))

    def _send_apprise(self, alert: Alert, target: str) -> Answer:
        url = next((url for url in self._settings.apprise.urls if target_of(url) == target), None)
        if url is None:
            return Answer(400, "this URL was removed from [alerts.apprise] urls", problem="setup")
        return self._apprise.send(alert, url, self.pictures.get(alert.picture_id), self._link(alert))

    def _publish(self, alert: Alert, _target: str) -> Answer:
        told = AlertNotify(
            alert_id=alert.alert_id,
            update=alert.update,
            event_id=alert.event_id,
            severity=alert.severity,
            title=alert.title,
            body=alert.body,
            tag=alert.tag,
            silent=alert.silent,
            onset_ms=alert.onset_ms,
            path=alert.url,
            picture_id=alert.picture_id,
            ledger=self._anchor(),
        )
        if self._bus.publish(ALERT_NOTIFY, told):
            return Answer(202)
        return Answer(0, "the broker is not connected", problem="unreachable")
