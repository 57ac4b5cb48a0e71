"""What is weak or incomplete about the channels that leave this machine, and the cure."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from vigilar_common.config.alerts import Alerts
from vigilar_common.egress.addresses import literal, why_not
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding


def channel_findings(settings: Alerts, *, push_proven: bool, subscriptions: int) -> Iterator[Finding]:
    """`push_proven`: a push service has taken at least one notification."""
    yield from _mail(settings)
    yield from _webhook(settings)
    for code, host in _hosts(settings):
        address = literal(host)
        if address and (reason := why_not(address, host, settings.private_targets)):
            yield Finding(
                code=f"{code}_private",
                severity=Severity.ALERT,
                title=f"Nothing is sent by {code}: {reason}",
                cure="If this server is yours, name its address in [alerts] private_targets.",
            )
    others = settings.email.enabled or (settings.apprise.enabled and settings.apprise.urls)
    if others and not settings.page_url:
        yield Finding(
            code="no_page_url",
            severity=Severity.INFO,
            title="Mails and messages carry no link to what they tell of",
            cure="Set [alerts] page_url to the address at which you open the page.",
        )
    if subscriptions and not push_proven and not others:
        yield Finding(
            code="push_unproven",
            severity=Severity.INFO,
            title="No notification has reached a push service yet, and nothing else tells you",
            cure="Send a test from the alerts page. Until it arrives let mail ([alerts.email]) or a service like ntfy "
            "([alerts.apprise]) tell you too.",
        )


def _mail(settings: Alerts) -> Iterator[Finding]:
    email = settings.email
    if not email.enabled:
        return
    if missing := missing_of_mail(settings):
        yield Finding(
            code="email_incomplete",
            severity=Severity.ALERT,
            title=f"No mail is sent: [alerts.email] lacks {missing}",
            cure="Complete the section, then try it: vigilar alerts test email.",
        )
    if email.username and not email.use_tls:
        yield Finding(
            code="email_login_in_clear",
            severity=Severity.ALERT,
            title="The login at the mail server is sent without encryption",
            cure="Set [alerts.email] use_tls = true.",
        )


def _webhook(settings: Alerts) -> Iterator[Finding]:
    webhook = settings.webhook
    if not webhook.enabled:
        return
    if not webhook.url:
        yield Finding(
            code="webhook_incomplete",
            severity=Severity.ALERT,
            title="Nothing is posted: [alerts.webhook] lacks url",
            cure="Complete the section, then try it: vigilar alerts test webhook.",
        )
    elif not webhook.secret:
        yield Finding(
            code="webhook_unsigned",
            severity=Severity.INFO,
            title="What is posted to the webhook is not signed: anybody could have sent it",
            cure="Set [alerts.webhook] secret, and check the signature where it arrives.",
        )


def _hosts(settings: Alerts) -> Iterator[tuple[str, str]]:
    if settings.email.enabled and settings.email.smtp_host:
        yield "email", settings.email.smtp_host
    if settings.webhook.enabled and settings.webhook.url:
        yield "webhook", urlsplit(settings.webhook.url).hostname or ""


def missing_of_mail(settings: Alerts) -> str:
    """The first key that mail cannot do without; empty when all are there."""
    email = settings.email
    keys = {"smtp_host": email.smtp_host, "from_addr": email.from_addr, "to_addr": email.to_addr}
    return next((key for key, value in keys.items() if not value.strip()), "")
