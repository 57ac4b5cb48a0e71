"""The restart rule: back-off, the ten early deaths, forgiveness after a minute of health."""

from __future__ import annotations

from vigilar_common.supervision import GIVEN_UP_RETRY_S, RESTART_ME_EXIT_CODE, RestartPolicy


def test_the_delay_doubles_from_a_fifth_of_a_second_to_half_a_minute() -> None:
    policy = RestartPolicy()
    delays = []
    for n in range(9):
        policy.became_ready(n * 1000.0)
        delays.append(policy.died(n * 1000.0 + 1))
    assert delays == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]


def test_after_ten_early_deaths_it_gives_up_and_tries_every_five_minutes() -> None:
    policy = RestartPolicy()
    delays = [policy.died(float(n)) for n in range(12)]
    assert not any(delay == GIVEN_UP_RETRY_S for delay in delays[:10])
    assert delays[10:] == [GIVEN_UP_RETRY_S, GIVEN_UP_RETRY_S]
    assert policy.given_up


def test_a_death_after_ten_seconds_of_readiness_does_not_count_towards_the_ten() -> None:
    policy = RestartPolicy()
    for n in range(30):
        policy.became_ready(n * 100.0)
        policy.died(n * 100.0 + 11)
    assert policy.failures == 0
    assert not policy.given_up


def test_a_minute_of_health_resets_count_and_delay() -> None:
    policy = RestartPolicy()
    for n in range(8):
        policy.died(float(n))
    policy.became_ready(100.0)
    policy.is_healthy(159.0)
    assert policy.failures == 8
    policy.is_healthy(160.0)
    assert policy.failures == 0
    assert policy.died(161.0) == 0.2


def test_a_service_that_asks_for_a_restart_is_started_at_once_and_not_blamed() -> None:
    policy = RestartPolicy()
    assert policy.died(1.0, RESTART_ME_EXIT_CODE) == 0.0
    assert policy.failures == 0
