"""The cheap look: noise and slow light leave it quiet, a person-sized change does not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from vigilar_camera_worker.adapters.trigger import Trigger

EVERYWHERE = np.ones((180, 320), bool)


def pictures(count: int, noise: float = 2.0, drift: float = 0.0) -> list[Any]:
    random = np.random.default_rng(1)
    base = random.integers(60, 180, (360, 640)).astype(float)
    return [
        np.clip(base + drift * number + random.normal(0, noise, base.shape), 0, 255).astype(np.uint8)
        for number in range(count)
    ]


def trigger(counts: Any = EVERYWHERE, sensitivity: float = 0.7) -> Trigger:
    return Trigger(320, 180, counts, 125.0, sensitivity)


@pytest.mark.parametrize(("noise", "drift"), [(2.0, 0.0), (8.0, 0.0), (2.0, 0.15)])
def test_noise_and_slow_light_do_not_fire(noise: float, drift: float) -> None:
    looking = trigger()
    assert not any(looking.observe(p, n / 2) for n, p in enumerate(pictures(60, noise, drift)))


def test_an_object_of_the_smallest_motion_fires_and_is_forgiven_once() -> None:
    looking = trigger()
    still = pictures(24)
    for number, picture in enumerate(still[:20]):
        assert not looking.observe(picture, number / 2)
    for picture in still[20:]:
        picture[100:140, 200:214] = 20
    assert looking.observe(still[20], 10.0)
    assert looking.observe(still[21], 10.5), "it is not learnt by being looked at"
    looking.forgive()
    assert not looking.observe(still[22], 11.0)


def test_what_lies_outside_the_zones_does_not_count() -> None:
    counts = EVERYWHERE.copy()
    counts[:, 90:] = False
    looking = trigger(counts)
    still = pictures(21)
    for number, picture in enumerate(still[:20]):
        looking.observe(picture, number / 2)
    still[20][100:160, 200:230] = 20
    assert not looking.observe(still[20], 10.0)


def test_the_least_sensitive_setting_wants_more_contrast() -> None:
    dull, keen = trigger(sensitivity=0.0), trigger(sensitivity=1.0)
    still = pictures(21)
    for number, picture in enumerate(still[:20]):
        dull.observe(picture, number / 2)
        keen.observe(picture, number / 2)
    still[20][100:160, 200:230] = still[19][100:160, 200:230] + 14
    assert keen.observe(still[20], 10.0)
    assert not dull.observe(still[20], 10.0)
