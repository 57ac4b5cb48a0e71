"""A migrated database per test, and the parts of storage that need nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import storage_rig
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from vigilar_common.crypto.keys import KeyRing
from vigilar_common.testing import FakeClock
from vigilar_storage import feed, migrate
from vigilar_storage.db import Database
from vigilar_storage.facts import FactStore


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "vigilar.db"
    migrate.prepare(path, FakeClock())
    return path


@pytest.fixture
def database(template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "data" / "vigilar.db"
    path.parent.mkdir()
    shutil.copy(template, path)
    opened = Database(path)
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def epoch(database: Database) -> str:
    with database.read() as connection:
        return feed.read_epoch(connection)


@pytest.fixture
def store(database: Database, clock: FakeClock, epoch: str) -> FactStore:
    return FactStore(database, clock, lambda: epoch)


@pytest.fixture(scope="session")
def film() -> bytes:
    return storage_rig.make_film(4)


@pytest.fixture(scope="session")
def private_key() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


@pytest.fixture
def ring(private_key: X25519PrivateKey) -> KeyRing:
    ring = KeyRing()
    ring.add_private(private_key)
    return ring
