"""The archive of a backup: what goes in comes out, and nothing else ever gets out of a hostile one."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519
from vigilar_common.errors import ConfigError, FileDamagedError, WrongKeyError
from vigilar_storage import age_file, archive, restore
from vigilar_storage.archive import Archive, BadArchiveError, Content, Manifest, Member
from vigilar_storage.backup import BackupError, opened

DATABASE = b"SQLite format 3\0" + b"rows" * 5_000
CONFIG = b'[system]\nname = "Home"\n'


def member(name: str, data: bytes) -> Content:
    return Content(Member(name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest()), data)


def contents() -> list[Content]:
    return [member(archive.DATABASE, DATABASE), member("config/vigilar.toml", CONFIG)]


def manifest_of(held: list[Content], **over: Any) -> Manifest:
    values: dict[str, Any] = {
        "version": "1",
        "created_ms": 5_000,
        "schema_version": "0001",
        "user_version": 0,
        "database_uuid": "u",
        "epoch": "e",
        "last_n": 0,
        "counts": {"facts": 0},
        "members": [content.member for content in held],
    }
    return Manifest(**values | over)


def packed(held: list[Content] | None = None) -> bytes:
    held = held or contents()
    sink = io.BytesIO()
    archive.write(sink, manifest_of(held), held, 5)
    return sink.getvalue()


def read(data: bytes) -> dict[str, bytes]:
    opened_ = Archive(io.BytesIO(data))
    return {found.name: b"".join(pieces) for found, pieces in opened_.members()}


def hostile(entries: list[tuple[tarfile.TarInfo, bytes]], listed: list[Content] | None = None) -> bytes:
    """A gzip of whatever a stranger may put together, with a manifest that looks right."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as tar:
        text = manifest_of(listed or contents()).model_dump_json().encode()
        first = tarfile.TarInfo("manifest.json")
        first.size = len(text)
        tar.addfile(first, io.BytesIO(text))
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(plain.getvalue())


def entry(name: str, data: bytes = b"x", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def test_what_goes_in_comes_out() -> None:
    assert read(packed()) == {archive.DATABASE: DATABASE, "config/vigilar.toml": CONFIG}


def test_other_tools_can_read_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    path.write_bytes(packed())
    listed = subprocess.run(
        ["tar", "tzf", str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert listed == ["manifest.json", "database/vigilar.db", "config/vigilar.toml"]


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([entry("../../etc/passwd")], "no name of a file"),
        ([entry("/etc/passwd")], "no name of a file"),
        ([entry("config/../../../etc/passwd")], "no name of a file"),
        ([entry("config/./x")], "no name of a file"),
        ([entry("config/a\\..\\b")], "no name of a file"),
        ([entry("recordings/front/x.vge")], "no name of a file"),
        ([entry("config//x")], "no name of a file"),
        ([entry("config/x\ny")], "no name of a file"),
        ([entry("config/x", b"", type=tarfile.SYMTYPE, linkname="/etc/passwd")], "no plain file"),
        ([entry("config/x", b"", type=tarfile.LNKTYPE, linkname="../../x")], "no plain file"),
        ([entry("config/x", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3)], "no plain file"),
        ([entry("config/x", b"", type=tarfile.BLKTYPE)], "no plain file"),
        ([entry("config/x", b"", type=tarfile.FIFOTYPE)], "no plain file"),
        ([entry("config/x", b"", type=tarfile.DIRTYPE)], "no plain file"),
        ([entry("config/" + "x" * 200)], "no plain file"),  # a GNU extension header of its own
        ([entry("config/unlisted.toml")], "not in the manifest"),
        ([entry("config/vigilar.toml", b"short")], "the manifest says"),
        ([entry("config/vigilar.toml", b"y" * len(CONFIG))], "SHA-256 differs"),
        ([entry("config/vigilar.toml", CONFIG), entry("config/vigilar.toml", CONFIG)], "there twice"),
        ([entry("config/vigilar.toml", CONFIG)], "is missing"),
        ([entry("manifest.json", CONFIG)], "not in the manifest"),
    ],
)
def test_a_hostile_member_is_refused_and_nothing_leaves_the_folder(
    entries: list[tuple[tarfile.TarInfo, bytes]], reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "evil.tar.gz"
    path.write_bytes(hostile(entries))
    work = tmp_path / "work"
    with pytest.raises(BadArchiveError, match=reason), restore.unpacked(path, "", work):
        pytest.fail("it was taken for a backup")
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["evil.tar.gz", "work"]


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/x",
        "config/../x",
        "database/other.db",
        "database/vigilar.db/x",
        "config/x\0",
        "",
        "keys/other",
    ],
)
def test_a_manifest_may_not_name_other_places(name: str) -> None:
    with pytest.raises(BadArchiveError, match="may not be"):
        Archive(io.BytesIO(hostile([], [*contents(), member(name, b"x")])))


def test_a_member_that_claims_to_be_huge_costs_no_memory_and_no_disk(tmp_path: Path) -> None:
    big = Member(name="config/big", size=archive.MAX_FILE_BYTES + 1, sha256="0" * 64)
    with pytest.raises(BadArchiveError, match="too many"):
        Archive(io.BytesIO(hostile([], [*contents(), Content(big, b"")])))
    huge = Member(name=archive.DATABASE, size=1 << 60, sha256="0" * 64)
    path = tmp_path / "huge.tar.gz"
    path.write_bytes(hostile([], [Content(huge, b"")]))
    with pytest.raises(BackupError, match="MiB free"), restore.unpacked(path, "", tmp_path / "work"):
        pytest.fail("it was taken for a backup")


def test_a_bomb_stops_at_the_size_that_was_announced() -> None:
    bomb = gzip.compress(gzip.decompress(packed()) + bytes(64 * 1024 * 1024))
    with pytest.raises(BadArchiveError, match="follows the end"):
        read(bomb)


def test_a_pax_header_is_refused_before_its_content_is_read() -> None:
    plain = io.BytesIO()
    info = tarfile.TarInfo("manifest.json")
    info.pax_headers = {"comment": "x" * 1000}
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b""))
    with pytest.raises(BadArchiveError, match="no plain file"):
        Archive(io.BytesIO(gzip.compress(plain.getvalue())))


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "change", [_cut, _flipped, lambda data: data[:-4], lambda data: b"", lambda data: b"PK\3\4" + data]
)
def test_a_damaged_archive_is_told_as_damaged(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadArchiveError):
        read(change(packed()))


def test_a_manifest_of_another_format_is_refused() -> None:
    held = contents()
    sink = io.BytesIO()
    archive.write(sink, manifest_of(held, format=2), held, 5)
    with pytest.raises(BadArchiveError, match="format 2"):
        read(sink.getvalue())


# -- encrypted ------------------------------------------------------------------------------------------------


def sealed(path: Path, data: bytes, recipient: str) -> None:
    with path.open("wb") as file, age_file.encrypting(file, recipient) as plain:
        plain.write(data)


def read_sealed(path: Path, identity: str) -> dict[str, bytes]:
    with opened(path, identity) as held:
        return {found.name: b"".join(pieces) for found, pieces in held.members()}


def test_an_encrypted_archive_opens_with_its_identity_and_with_the_tool_age(tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    path = tmp_path / "a.tar.gz.age"
    sealed(path, packed(), str(key.to_public()))
    assert CONFIG not in path.read_bytes()
    with opened(path, str(key)) as held:
        assert {found.name for found, pieces in held.members() if list(pieces)} == {
            archive.DATABASE,
            "config/vigilar.toml",
        }
    identity = tmp_path / "identity.txt"
    identity.write_text(f"# mine\n{key}\n")
    peer = _age("-d", "-i", str(identity), str(path))
    assert read(peer) == {archive.DATABASE: DATABASE, "config/vigilar.toml": CONFIG}


def test_what_the_tool_age_encrypted_can_be_read(tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    plain = tmp_path / "a.tar.gz"
    plain.write_bytes(packed())
    path = tmp_path / "a.tar.gz.age"
    path.write_bytes(_age("-r", str(key.to_public()), str(plain)))
    with opened(path, str(key)) as held:
        assert held.manifest.last_n == 0
        assert [found.name for found, pieces in held.members() if list(pieces)]


def _age(*words: str) -> bytes:
    try:
        return subprocess.run(["age", *words], capture_output=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("the Debian package age is not installed")


def test_another_identity_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz.age"
    sealed(path, packed(), str(x25519.Identity.generate().to_public()))
    with pytest.raises(WrongKeyError, match="another key"), opened(path, str(x25519.Identity.generate())):
        pytest.fail("it opened")
    with pytest.raises(BackupError, match="--identity"), opened(path, ""):
        pytest.fail("it opened")


@pytest.mark.parametrize("change", [_cut, _flipped, lambda data: data[:-1]])
def test_a_damaged_encrypted_archive_is_told_as_damaged(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    key = x25519.Identity.generate()
    path = tmp_path / "a.tar.gz.age"
    sealed(path, packed([member(archive.DATABASE, bytes(range(256)) * 4_000)]), str(key.to_public()))
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(FileDamagedError):
        read_sealed(path, str(key))


def test_a_recipient_is_a_key_or_a_file_with_one(tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    path = tmp_path / "recipient.txt"
    path.write_text(f"# owner\n{key.to_public()}\n")
    assert (
        age_file.read_recipient(str(path))
        == age_file.read_recipient(str(key.to_public()))
        == str(key.to_public())
    )
    with pytest.raises(ConfigError, match="none of the kind"):
        age_file.read_recipient("age1notakey")
    with pytest.raises(ConfigError, match="cannot be read"):
        age_file.read_recipient(str(tmp_path / "missing"))


def test_an_error_about_an_identity_never_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "identity.txt"
    path.write_text("AGE-SECRET-KEY-wrong-but-secret\n")
    with pytest.raises(ConfigError) as caught:
        age_file.read_identity(path)
    assert "wrong-but-secret" not in str(caught.value)


def test_a_manifest_that_is_no_json_is_refused() -> None:
    text = json.dumps({"members": "none"}).encode()
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        tar.addfile(entry("manifest.json", text)[0], io.BytesIO(text))
    with pytest.raises(BadArchiveError, match="cannot be read"):
        Archive(io.BytesIO(gzip.compress(plain.getvalue())))
