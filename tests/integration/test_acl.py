"""Who may say and hear what, by what a real Mosquitto delivers; a refusal alone proves nothing there.

The full forms (`make chaos-house`) try every way on every topic and break each line of the ACL.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from acl_house import EVERYTHING, LEVELS, OBSERVER, SHARED, AclHouse, differences
from acl_mutants import PATTERNS, Mutant, lines, mutants, rounds, written
from acl_truth import INVARIANTS
from mqtt_wire import Wire

SEED = 20
WILLS_PER_USER = 6
MUTANTS_IN_SHORT = 120
ALL = ["#", "$CONTROL/#"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AclHouse]:
    made = AclHouse(tmp_path_factory.mktemp("acl"))
    yield made
    made.broker.stop()


@pytest.fixture
def running(house: AclHouse) -> AclHouse:
    """As `vigilar init` makes it, without what was retained before."""
    house.start()
    return house


@pytest.fixture
def observer(running: AclHouse) -> Iterator[Wire]:
    with running.wire(OBSERVER) as wire:
        wire.subscribe(ALL)
        yield wire


def test_what_must_never_change_stands_here_once_more_by_hand(house: AclHouse) -> None:
    for topic, speakers, listeners in INVARIANTS:
        assert {user for user in house.users if topic in house.says[user]} == speakers, topic
        assert {user for user in house.users if topic in house.hears[user]} == listeners, topic


@pytest.mark.parametrize("form", ["publish", "acknowledged", "alias", "3.1.1"])
def test_every_user_publishes_what_the_table_says_and_nothing_else(
    running: AclHouse, observer: Wire, form: str
) -> None:
    assert differences(running.says, running.said(running.users, observer, form)) == []


def test_what_a_user_may_not_say_is_not_retained_either(running: AclHouse) -> None:
    assert differences(running.says, running.kept(running.users)) == []


@pytest.mark.parametrize(
    ("filters", "retained", "version"),
    [
        (EVERYTHING, False, 5),
        (LEVELS, False, 5),
        (SHARED, False, 5),
        (EVERYTHING, True, 5),
        (EVERYTHING, False, 4),
    ],
    ids=["everything", "level by level", "shared", "retained", "3.1.1"],
)
def test_every_user_hears_what_the_table_says_and_nothing_else(
    running: AclHouse, filters: list[str], retained: bool, version: int
) -> None:
    heard = running.heard(running.users, filters, retained=retained, version=version)
    assert differences(running.hears, heard) == []


def test_a_subscription_of_one_topic_gets_no_more_than_one_of_all(running: AclHouse) -> None:
    assert differences(running.hears, running.heard(running.users, running.topics)) == []


def test_a_last_will_says_no_more_than_its_owner_may(running: AclHouse, observer: Wire) -> None:
    rng = random.Random(SEED)
    for user in running.users:
        allowed, denied = running.says[user], sorted(set(running.topics) - running.says[user])
        tried = {*rng.sample(sorted(allowed), 2), *rng.sample(denied, WILLS_PER_USER - 2)}
        assert running.willed(user, tried, observer) == tried & allowed, user


@pytest.mark.parametrize(("user", "password"), [("", ""), ("nobody", "x"), ("events", "wrong"), ("#", "x")])
def test_who_is_not_known_is_not_let_in(running: AclHouse, user: str, password: str) -> None:
    with pytest.raises(ConnectionError):
        Wire(running.broker.host, running.broker.port, user, password).__enter__()


def survivors(house: AclHouse, group: list[Mutant]) -> list[Mutant]:
    """Mutants of this round that every check takes for right."""
    house.start(written(lines(house.acl), group))
    users = set().union(*(mutant.users for mutant in group))
    users = set(house.users) if PATTERNS in users else users
    with house.wire(OBSERVER) as observer:
        observer.subscribe(ALL)
        said = house.said(users, observer)
    heard = house.heard(users, EVERYTHING)
    wrong = {u for u in users if said[u] != house.says[u] or heard[u] != house.hears[u]}
    return [m for m in group if not wrong & (m.users if PATTERNS not in m.users else wrong)]


def test_a_sample_of_broken_lines_is_noticed(house: AclHouse) -> None:
    made = mutants(lines(house.acl))
    chosen = random.Random(SEED).sample(made, MUTANTS_IN_SHORT)
    groups = rounds(chosen)[:4]
    left = [str(mutant) for group in groups for mutant in survivors(house, group)]
    print(f"\n{sum(map(len, groups))} mutants of {len(made)} in {len(groups)} rounds, seed {SEED}")
    assert left == []


def test_an_acl_that_was_written_anew_is_the_same(house: AclHouse) -> None:
    """Else the mutants would prove something about another ACL."""
    assert lines(written(lines(house.acl), [])) == lines(house.acl)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_broken_line_is_noticed(house: AclHouse) -> None:
    made = mutants(lines(house.acl))
    groups = rounds(made)
    left = [str(mutant) for group in groups for mutant in survivors(house, group)]
    print(f"\n{len(made)} mutants of {len(lines(house.acl))} lines in {len(groups)} rounds; alive: {left}")
    assert left == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_every_will_and_every_retained_topic_of_every_user(running: AclHouse, observer: Wire) -> None:
    willed = {user: running.willed(user, running.topics, observer) for user in running.users}
    assert differences(running.says, willed) == []
    heard = running.heard(running.users, running.topics, retained=True)
    assert differences(running.hears, heard) == []
    tried = len(running.users) * len(running.topics)
    print(f"\n{len(running.users)} users, {len(running.topics)} topics: {tried} wills, 0 mismatches")
