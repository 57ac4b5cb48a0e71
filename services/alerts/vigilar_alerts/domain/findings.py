"""What is weak about the channels, and the cure; health shows it."""

from __future__ import annotations

from vigilar_common.config.alert_channels import WebPush
from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding


def findings(
    *, web_push: WebPush, key_problem: str, media_key_problem: str, subscriptions: int
) -> list[Finding]:
    found = []
    if key_problem:
        found.append(
            Finding(
                code="vapid_key",
                severity=Severity.ALERT,
                title=f"Web Push is off: {key_problem}"[:500],
                cure="Run `vigilar init`, or put a P-256 key in PEM format where [alerts.web_push] names it.",
            )
        )
    if media_key_problem:
        found.append(
            Finding(
                code="media_key",
                severity=Severity.ALERT,
                title=f"Notifications carry no pictures: {media_key_problem}"[:500],
                cure="Run `vigilar init`.",
            )
        )
    if web_push.enabled and not key_problem:
        domain = web_push.vapid_claim_email.rpartition("@")[2].rstrip("/").lower()
        if domain.endswith(".local"):
            found.append(
                Finding(
                    code="vapid_contact",
                    severity=Severity.INFO,
                    title="The contact address for push services ends in .local; Apple refuses such pushes",
                    cure="Set [alerts.web_push] vapid_claim_email to an address of yours.",
                )
            )
        if not subscriptions:
            found.append(
                Finding(
                    code="no_push_devices",
                    severity=Severity.INFO,
                    title="No device gets notifications",
                    cure="Open the alerts page on your phone or browser and allow notifications, "
                    "or let mail ([alerts.email]) or a service like ntfy ([alerts.apprise]) tell you.",
                )
            )
    return found
