"""The off-site service as a process: a real broker, real targets, recordings that grow in real time, and theft."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from offsite_rig import CLOCK, FPS, Growing, House, film, frames
from offsite_targets import Line, S3Server, SftpServer, WebdavServer, key_pair
from own_authority import Authority
from service_rig import ServiceProcess, ServiceRig, until
from vigilar_common.bus import MqttBus
from vigilar_common.messages.alarm import AlarmState, ArmState
from vigilar_common.messages.system import Heartbeat
from vigilar_common.testing.broker import TestBroker
from vigilar_common.topics import ALARM_STATE, HEARTBEAT

AT_MOST_LOST_S = 3.0
MOST_RSS_BYTES = 85_000_000


class OffsiteRig(ServiceRig):
    """House, broker and service; targets are added by tests."""

    def __init__(self, folder: Path, broker: TestBroker) -> None:
        self.house = House(folder / "recordings")
        self.house.root.mkdir()
        super().__init__(folder, broker, self.toml(""))
        self.secrets = folder / "secrets" / "offsite"
        self.secrets.mkdir(parents=True)
        self.client_key = key_pair(self.secrets / "ssh_key")
        self.events: MqttBus = broker.bus("events")
        self.process: ServiceProcess | None = None

    def toml(self, offsite: str) -> str:
        return f"[system]\nrecordings_dir = '{self.house.root}'\n{offsite}"

    def start(self, **keys: Any) -> ServiceProcess:
        lines = "".join(
            f"{name} = {json.dumps(value)}\n"
            for name, value in {"private_targets": ["127.0.0.1"], **keys}.items()
        )
        self.configure(self.toml(f"[offsite]\nenabled = true\n{lines}"))
        self.process = self.service("offsite").start()
        return self.process

    def sftp(self, server: SftpServer, port: int = 0, **keys: Any) -> ServiceProcess:
        return self.start(
            url=f"sftp://vigilar@127.0.0.1:{port or server.port}/deep/er", host_key=server.host_key, **keys
        )

    def alarm(self, state: ArmState = ArmState.TRIGGERED) -> None:
        self.events.set_state(ALARM_STATE, AlarmState(state=state, since_ms=CLOCK.now_ms()))

    def stop(self) -> None:
        self.events.stop()
        if self.process is not None:
            assert self.process.stop() == 0

    def recover(self, copy: Path) -> tuple[int, list[dict[str, Any]], Path]:
        """On another machine: nothing of the house but the owner's key."""
        out = self.folder / f"recovered-{CLOCK.now_ms()}"
        done = subprocess.run(
            [sys.executable, "-m", "vigilar_supervisor", "recover", str(copy), "--key", str(self.house.key_file),
             "--out", str(out), "--json"],
            capture_output=True, text=True, check=False, cwd=copy,
        )  # fmt: skip
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)["recordings"], out


@pytest.fixture(name="rig")
def _rig(tmp_path: Path, broker: TestBroker) -> Iterator[OffsiteRig]:
    rig = OffsiteRig(tmp_path, broker)
    yield rig
    rig.stop()


@pytest.fixture(name="sftp")
def _sftp(rig: OffsiteRig, tmp_path: Path) -> Iterator[SftpServer]:
    server = SftpServer(tmp_path / "sftp", rig.client_key).start()
    yield server
    server.kill()


def arrived(sftp: SftpServer, recording_id: str) -> bytes:
    path = sftp.root / "deep" / "er" / "recordings" / "front" / f"{recording_id}.vge"
    return path.read_bytes() if path.exists() else b""


def whole(rig: OffsiteRig, sftp: SftpServer, recording_id: str) -> Callable[[], bool]:
    return lambda: arrived(sftp, recording_id) == rig.house.path(recording_id).read_bytes()


def lost_s(rig: OffsiteRig, copy: Path, cut_ms: int) -> float:
    """Seconds before the cut that do not play."""
    _, (found,), out = rig.recover(copy)
    assert found["state"] == "cut"
    count, _ = frames(out / found["film"])
    assert count == round(found["seconds"] * FPS)
    return float(cut_ms - found["spans"][-1]["to_ms"]) / 1000


def test_a_machine_stolen_in_the_middle_of_the_recording(rig: OffsiteRig, sftp: SftpServer) -> None:
    service = rig.sftp(sftp)
    assert "vigilar_offsite" in service.get("/metrics")
    growing = Growing(rig.house, film(8))
    rig.alarm()
    until(lambda: len(arrived(sftp, growing.recording_id)) > 100_000, what="footage off-site")
    cut_ms = growing.cut_off()
    rss = service.rss_bytes()
    assert rss < MOST_RSS_BYTES
    service.kill()
    copy = sftp.root / "deep" / "er"
    lost = lost_s(rig, copy, cut_ms)
    print(f"stolen: {lost:.2f} s are lost; {rss} bytes")
    assert lost <= AT_MOST_LOST_S
    rig.process = None


@pytest.mark.slow
def test_the_line_is_cut_in_the_middle_and_the_server_killed(rig: OffsiteRig, sftp: SftpServer) -> None:
    line = Line(sftp.port)
    rig.sftp(sftp, line.port)
    growing = Growing(rig.house, film(8))
    rig.alarm()
    until(lambda: len(arrived(sftp, growing.recording_id)) > 60_000, what="the first of it")
    line.cut(after_bytes=30_000)
    until(lambda: line.is_cut, what="the cut in the middle of a piece")
    line.mend()
    before = len(arrived(sftp, growing.recording_id))
    until(lambda: len(arrived(sftp, growing.recording_id)) > before + 30_000, what="it goes on")
    sftp.kill()
    CLOCK.sleep(0.5)
    sftp.start()
    recording_id = growing.stop()
    until(whole(rig, sftp, recording_id), 20, "the whole recording")
    line.stop()


@pytest.mark.slow
def test_the_service_is_killed_and_goes_on(rig: OffsiteRig, sftp: SftpServer) -> None:
    service = rig.sftp(sftp)
    growing = Growing(rig.house, film(8))
    rig.alarm()
    until(lambda: len(arrived(sftp, growing.recording_id)) > 60_000, what="the first of it")
    service.kill()
    service.start()
    recording_id = growing.stop()
    until(whole(rig, sftp, recording_id), 20, "the whole recording")
    code, (found,), _ = rig.recover(sftp.root)
    assert (code, found["state"]) == (4, "complete")


@pytest.fixture(name="beats")
def _beats(broker: TestBroker) -> Iterator[list[Heartbeat]]:
    heard: list[Heartbeat] = []
    bus = broker.bus("health")
    bus.subscribe(HEARTBEAT, lambda received: heard.append(received.message), service="offsite")  # type: ignore[arg-type]
    yield heard
    bus.stop()


@pytest.mark.slow
def test_a_server_with_another_host_key_gets_nothing(
    rig: OffsiteRig, sftp: SftpServer, tmp_path: Path, beats: list[Heartbeat]
) -> None:
    other = key_pair(tmp_path / "other")
    rig.house.record(film(1))
    rig.alarm()
    service = rig.start(url=f"sftp://vigilar@127.0.0.1:{sftp.port}/deep/er", host_key=other)
    until(lambda: "which is not [offsite] host_key" in service.log.read_text(), what="the refusal")
    until(lambda: any("offsite_target" in str(beat.detail) for beat in beats), 25, "the finding")
    assert list(sftp.root.iterdir()) == []
    assert beats[-1].detail["public_key"].startswith("ssh-ed25519 ")


@pytest.mark.slow
def test_a_target_inside_the_house_needs_leave(rig: OffsiteRig, sftp: SftpServer) -> None:
    service = rig.sftp(sftp, private_targets=[])
    until(lambda: "is a private address" in service.log.read_text(), what="the refusal")
    assert list(sftp.root.iterdir()) == []


@pytest.mark.slow
def test_a_full_disk_at_the_target_loses_nothing(rig: OffsiteRig, sftp: SftpServer) -> None:
    service = rig.sftp(sftp)
    sftp.fill(100_000)
    recording_id = rig.house.record(film(8))
    rig.alarm()
    until(lambda: "its disk may be full" in service.log.read_text(), what="the failure")
    assert len(arrived(sftp, recording_id)) <= 100_000
    sftp.fill(None)
    until(whole(rig, sftp, recording_id), 20, "the whole recording")


@pytest.mark.slow
def test_stolen_with_parts_in_s3(rig: OffsiteRig, tmp_path: Path) -> None:
    server = S3Server()
    service = rig.start(
        url=f"s3://{server.bucket}/house",
        endpoint=f"http://127.0.0.1:{server.port}",
        username=server.key_id,
        password=server.secret,
    )
    growing = Growing(rig.house, film(16))
    rig.alarm()
    until(lambda: sum(growing.recording_id in name for name in server.names()) >= 4, 20, "parts")
    cut_ms = growing.cut_off()
    service.kill()
    rig.process = None
    lost = lost_s(rig, server.download(tmp_path / "s3"), cut_ms)
    print(f"stolen: {lost:.2f} s are lost")
    assert lost <= AT_MOST_LOST_S + 1.0, "parts of 2 s"
    assert server.secret not in service.log.read_text()
    server.stop()


@pytest.mark.slow
def test_s3_behind_a_line_that_is_cut(rig: OffsiteRig, tmp_path: Path) -> None:
    server = S3Server()
    line = Line(server.port)
    rig.start(
        url=f"s3://{server.bucket}/house", endpoint=f"http://127.0.0.1:{line.port}",
        username=server.key_id, password=server.secret,
        part_interval_s=0.5,
    )  # fmt: skip
    growing = Growing(rig.house, film(8))
    rig.alarm()
    until(lambda: any(growing.recording_id in name for name in server.names()), 20, "a part")
    line.cut(after_bytes=20_000)
    until(lambda: line.is_cut, 20, "the cut")
    CLOCK.sleep(1)
    line.mend()
    recording_id = growing.stop()
    sealed = rig.house.path(recording_id).read_bytes()

    def joined() -> bytes:
        folder = server.download(tmp_path / "s3") / "house" / "recordings" / "front" / f"{recording_id}.vge"
        data = bytearray()
        for part in sorted(folder.iterdir()) if folder.is_dir() else []:
            data[int(part.name) :] = part.read_bytes()
        return bytes(data)

    until(lambda: joined() == sealed, 20, "the whole recording")
    code, (found,), _ = rig.recover(tmp_path / "s3")
    assert (code, found["state"]) == (4, "complete")
    line.stop()
    server.stop()


@pytest.mark.slow
def test_a_wrong_s3_secret_is_a_finding_and_nothing_is_taken(rig: OffsiteRig, beats: list[Heartbeat]) -> None:
    server = S3Server()
    rig.house.record(film(1))
    rig.alarm()
    service = rig.start(
        url=f"s3://{server.bucket}/house", endpoint=f"http://127.0.0.1:{server.port}",
        username=server.key_id, password="canary-wrong",
    )  # fmt: skip
    until(lambda: any("SignatureDoesNotMatch" in str(beat.detail) for beat in beats), 25, "the finding")
    assert server.names() == []
    assert "canary-wrong" not in service.log.read_text() + str(beats)
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_webdav_makes_its_folders_and_takes_parts(rig: OffsiteRig, tmp_path: Path, secure: bool) -> None:
    authority = Authority(tmp_path)
    server = WebdavServer(tmp_path / "dav", authority.certificate("localhost") if secure else None)
    rig.start(
        url=f"{'https' if secure else 'http'}://localhost:{server.port}/far/away",
        private_targets=["localhost"],
        ca_file=str(authority.ca_file),
        username="owner",
        password="passed",
        part_interval_s=0.5,
    )
    growing = Growing(rig.house, film(4))
    rig.alarm()
    folder = server.root / "far" / "away" / "recordings" / "front" / f"{growing.recording_id}.vge"
    until(lambda: folder.is_dir() and len(list(folder.iterdir())) >= 3, 20, "parts")
    recording_id = growing.stop()
    size = rig.house.path(recording_id).stat().st_size

    def end() -> int:
        last = max(folder.iterdir())
        return int(last.name) + last.stat().st_size

    until(lambda: end() == size, 20, "the whole recording")
    code, (found,), _ = rig.recover(server.root)
    assert (code, found["state"]) == (4, "complete")
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["authority", "name", "expired"])
def test_webdav_with_a_certificate_that_proves_nothing_gets_neither_login_nor_footage(
    rig: OffsiteRig, tmp_path: Path, beats: list[Heartbeat], fault: str
) -> None:
    authority, other = Authority(tmp_path), tmp_path / "other"
    other.mkdir()
    name = "elsewhere.example" if fault == "name" else "localhost"
    server = WebdavServer(tmp_path / "dav", authority.certificate(name, expired=fault == "expired"))
    rig.house.record(film(1))
    rig.alarm()
    service = rig.start(
        url=f"https://localhost:{server.port}/far", private_targets=["localhost"], username="owner",
        password="passed", ca_file=str((Authority(other) if fault == "authority" else authority).ca_file),
    )  # fmt: skip
    until(
        lambda: any("no certificate that is trusted" in str(beat.detail) for beat in beats), 25, "the finding"
    )
    assert list(server.root.iterdir()) == []
    assert "passed" not in service.log.read_text() + str(beats)
    server.stop()


@pytest.mark.slow
def test_a_wrong_password_is_a_finding_and_not_in_the_log(
    rig: OffsiteRig, tmp_path: Path, beats: list[Heartbeat]
) -> None:
    server = WebdavServer(tmp_path / "dav")
    service = rig.start(url=f"http://127.0.0.1:{server.port}/", username="owner", password="canary-wrong")
    until(lambda: any("answered 401" in str(beat.detail) for beat in beats), 25, "the finding")
    assert "canary-wrong" not in service.log.read_text() + str(beats)
    server.stop()
