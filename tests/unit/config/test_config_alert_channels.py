"""The channels' settings: what is refused and why, and that secrets stay hidden."""

from __future__ import annotations

import pytest
from pydantic import ValidationError
from vigilar_common.config import Config
from vigilar_common.config.alerts import Alerts
from vigilar_common.config.redact import scrubbed, shown
from vigilar_common.config.slices import slice_values

URLS = ["tgram://123456789:canary-token/chat", "ntfys://canary-topic"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"fallback": ["web_push", "pigeon"]}, '"pigeon" is none of web_push, email'),
        ({"fallback": ["email", "email"]}, "stands there twice"),
        ({"fallback_after_s": 1}, "greater than or equal to 5"),
        ({"private_targets": ["192.168.1.300"]}, "is neither an address, a network"),
        ({"private_targets": ["http://nas/"]}, "is neither an address, a network"),
        ({"private_targets": [""]}, "at least 1 character"),
        ({"apprise": {"urls": ["canary no url"]}}, "is not a URL of Apprise"),
        ({"apprise": {"urls": ["canary://x y"]}}, "is not a URL of Apprise"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason_and_without_the_secret(
    values: dict[str, object], why: str
) -> None:
    with pytest.raises(ValidationError) as error:
        Alerts.model_validate(values)
    assert why in str(error.value)
    assert "canary" not in str(error.value)


def test_targets_inside_the_house_are_addresses_networks_and_names() -> None:
    found = Alerts.model_validate({"private_targets": ["192.168.1.5", "10.1.2.3/8", "fd00::/8", "NAS.lan"]})
    assert found.private_targets == ("192.168.1.5/32", "10.0.0.0/8", "fd00::/8", "nas.lan")


def test_urls_of_services_are_secrets_that_only_alerts_gets() -> None:
    config = Config.model_validate({"alerts": {"apprise": {"urls": URLS}}})
    assert shown(config)["alerts"]["apprise"]["urls"] == ["***", "***"]
    assert scrubbed(config)["alerts"]["apprise"]["urls"] == []
    assert slice_values(config, "alerts")["alerts"]["apprise"]["urls"] == URLS
    assert "canary" not in str(slice_values(config, "web"))
    assert "canary" not in repr(config)
    assert Config.model_validate(scrubbed(config)).alerts.apprise.urls == ()
