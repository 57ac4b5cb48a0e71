"""Why nobody is told through a channel, and what would change that."""

from __future__ import annotations

from collections.abc import Mapping

from vigilar_common.config.alerts import Alerts

from vigilar_alerts.domain.channel_findings import missing_of_mail


def why_nobody(channel: str, settings: Alerts, key_problem: str = "") -> str:
    """`key_problem`: why nothing can be pushed, or empty."""
    local = settings.local
    switches: Mapping[str, tuple[tuple[str, bool], ...]] = {
        "web_push": (("[alerts.web_push] enabled", settings.web_push.enabled),),
        "email": (("[alerts.email] enabled", settings.email.enabled),),
        "webhook": (("[alerts.webhook] enabled", settings.webhook.enabled),),
        "apprise": (("[alerts.apprise] enabled", settings.apprise.enabled),),
        "mqtt": (("[alerts.mqtt] enabled", settings.mqtt.enabled),),
        "syslog": (("[alerts.local] enabled", local.enabled), ("[alerts.local] syslog", local.syslog)),
        "desktop": (
            ("[alerts.local] enabled", local.enabled),
            ("[alerts.local] desktop_notify", local.desktop_notify),
        ),
    }
    if channel not in switches:
        return f"There is no such channel; there are {', '.join(switches)}."
    for name, is_on in switches[channel]:
        if not is_on:
            return f"It is switched off: set {name} = true."
    lacks = {
        "web_push": f"Web Push is off: {key_problem}."
        if key_problem
        else "No device is subscribed: open the alerts page on one and turn notifications on.",
        "email": f"[alerts.email] lacks {missing_of_mail(settings) or 'an address in to_addr'}: name it.",
        "webhook": "[alerts.webhook] lacks url: name it.",
        "apprise": "[alerts.apprise] urls is empty: name one.",
    }
    return lacks.get(channel, f"The channel {channel} is not ready; see the log of alerts.")
