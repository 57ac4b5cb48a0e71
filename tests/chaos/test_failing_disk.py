"""Figure 4, second half: each single write and each single sync fails once, over storage's commits and the worker's writer."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from camera_media import START_MS
from camera_rig import frame_times_s
from chaos import oracle, report
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from storage_rig import BYTECODE, Rig, finished, make_film, new_id, now_ms, wait_for
from vigilar_common.clock import SystemClock
from vigilar_common.crypto import keys
from vigilar_common.crypto.vge import VgeReader, recover
from vigilar_common.crypto.vge.errors import HeaderDamagedError
from vigilar_storage import migrate

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
SOURCE = "events"
BATCHES, BATCH = 6, 5
SYNCS = ("fsync,fdatasync", "EIO")
TABLE_WRITES = ("pwrite64", "ENOSPC")
FILE_WRITES = ("write", "ENOSPC")
TROUBLE = re.compile(
    r"disk I/O error|Input/output error|No space left|disk_full|disk is full|cannot start", re.I
)
FILM_MS = 10_000
SLACK_MS = 700
"""A fragment that was cut in two, and the next keyframe a second later is waited for: that second is a gap row."""


def tracing(calls: str, trace: Path, error: str = "", when: int = 0) -> tuple[str, ...]:
    """strace beside the program (-D), which stays the direct child; without `error` it only counts."""
    command = ["strace", "-D", "-f", "-qq", "--seccomp-bpf", "-e", f"trace={calls}", "-o", str(trace)]
    if error:
        command += ["-e", f"inject={calls}:error={error}:when={when}"]
    return tuple(command)


def most_calls(trace: Path) -> int:
    """Of one thread: strace counts the calls of each for itself, so the k-th of every thread fails at once."""
    return max(Counter(line.split()[0] for line in trace.read_text().splitlines()).values(), default=0)


def struck(trace: Path) -> bool:
    return "(INJECTED)" in trace.read_text()


@dataclass
class Tally:
    tried: int = 0
    struck: int = 0
    not_started: int = 0
    faults: list[str] = field(default_factory=list)


# -- storage ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", name="template")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    """Keys, configuration and a migrated database, to copy."""
    rig = Rig(tmp_path_factory.mktemp("template") / "rig")
    rig.folder.mkdir()
    rig.configure()
    migrate.prepare(rig.database, SystemClock())
    return rig


def fresh(template: Rig, folder: Path) -> Rig:
    rig = Rig(folder, template.private)
    shutil.copytree(template.folder, folder)
    rig.configure()
    return rig


def worked(rig: Rig, film: bytes) -> tuple[oracle.Journal, str]:
    """Batches that are repeated until they are confirmed, and a finished recording: its id."""
    journal = oracle.Journal(SOURCE, [], set(), set())
    recording_id = ""
    for number in range(BATCHES):
        if number == BATCHES // 2:
            recording_id = rig.record(film, now_ms() - 60_000, tell=False)
            tell_of(rig, recording_id, film)
        batch = [said(number * BATCH + place) for place in range(1, BATCH + 1)]
        ids = [str(item[1]) for item in batch]
        journal.intended.extend(ids)
        wait_for(lambda batch=batch: rig.post(batch, SOURCE).status_code == 200, 20, "a batch is confirmed")
        journal.confirmed.update(ids)
    return journal, recording_id


def storage_once(
    template: Rig, folder: Path, film: bytes, calls: str, error: str, k: int, tally: Tally
) -> None:
    rig = fresh(template, folder)
    trace = folder / "trace"
    tally.tried += 1
    try:
        try:
            rig.spawn(tracing(calls, trace, error, k))
        except AssertionError:  # it ended at the start, with a reason; the supervisor would start it again
            tally.not_started += 1
            rig.spawn()
        journal, recording_id = worked(rig, film)
        rig.kill(signal.SIGKILL)
        if struck(trace):
            tally.struck += 1
            if not TROUBLE.search(rig.log):
                tally.faults.append(f"{calls} {k}: the log does not name the failure: {rig.log}")
        rig.spawn()  # what a failed call left half done is finished by the next start
        wait_for(lambda: rig.state_of(recording_id) == "complete", 20, "the recording is taken over")
        if rig.get(f"/v1/recordings/{recording_id}/content").content != film:
            tally.faults.append(f"{calls} {k}: the recording is not what was written")
        rig.kill(signal.SIGKILL)
        verdict = oracle.judge(rig.database, [journal])
        if not verdict.good:
            tally.faults.append(f"{calls} {k}: {oracle.as_text(verdict)}")
    except AssertionError as problem:
        tally.faults.append(f"{calls} {k}: {problem} {rig.log[-1500:]}")
    finally:
        if rig.process is not None:
            rig.kill()
        shutil.rmtree(folder)


def tell_of(rig: Rig, recording_id: str, film: bytes) -> None:
    """As the worker's outbox does: until it is confirmed."""
    facts = [finished(recording_id, now_ms() - 60_000, size=len(film))]
    wait_for(lambda: rig.post(facts).status_code == 200, 20, "the fact of the recording is confirmed")


def said(seq: int) -> list[Any]:
    body = {"ts_ms": now_ms(), "component": "chaos", "level": "info", "code": "chaos", "message": "m"}
    return [seq, new_id(), "system.event", body]


def count_of_storage(template: Rig, folder: Path, film: bytes, calls: str) -> int:
    """How often storage makes this call over the whole work."""
    rig = fresh(template, folder)
    try:
        rig.spawn(tracing(calls, folder / "trace"))
        _, recording_id = worked(rig, film)
        wait_for(lambda: rig.state_of(recording_id) == "complete", 20, "the recording is taken over")
    finally:
        rig.kill(signal.SIGKILL)
    wait_for(lambda: (folder / "trace").read_text(), 5, "the trace is written")
    count = most_calls(folder / "trace")
    shutil.rmtree(folder)
    return count


# -- the worker's writer ------------------------------------------------------------------------------------------


def writer_once(folder: Path, private: X25519PrivateKey, calls: str, error: str, k: int, tally: Tally) -> int:
    """Runs the film through; judges what is left. Returns how often the call was made."""
    incoming, public = folder / "incoming", folder / "public.pem"
    incoming.mkdir(parents=True)
    keys.write_public_key(public, private.public_key())
    trace = folder / "trace"
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), env.get("PYTHONPATH", "")])
    program = [sys.executable, str(Path(__file__).with_name("writer_child.py")), str(incoming), str(public)]
    done = subprocess.run(
        [*tracing(calls, trace, error, k), *program], env=env, capture_output=True, text=True, timeout=60
    )
    wait_for(trace.exists, 5, "the trace is written")
    tally.tried += bool(error)
    if done.returncode == 0 and done.stdout:
        problems = list(judge_writer(incoming, private, json.loads(done.stdout), struck(trace), done.stderr))
    else:
        # The call that failed was the one that hands the result over, or one before the program began.
        problems = [] if struck(trace) and "Error: [Errno" in done.stderr else [done.stderr[-500:]]
    tally.struck += struck(trace)
    tally.faults += [f"{calls} {k}: {problem}" for problem in problems]
    count = most_calls(trace)
    shutil.rmtree(folder)
    return count


def judge_writer(
    incoming: Path, private: X25519PrivateKey, told: dict[str, Any], hit: bool, log: str
) -> Iterator[str]:
    ring = keys.KeyRing()
    ring.add_private(private)
    if told["alive"]:
        yield "the writer's thread did not end"
    spans = [(fact["from_ms"], fact["to_ms"]) for fact in told["facts"] if fact["type"] == "recording.gap"]
    for path in incoming.glob("*.vge"):
        try:
            info = recover(path, ring)
        except HeaderDamagedError:
            yield f"{path.name} has no header that can be read"
            continue
        with VgeReader(path, ring) as reader:
            content = reader.read(0, reader.plaintext_length)
            started_ms = reader.header.created_ms
        times_s = frame_times_s(content, torn=not info.already_finished) if content else []
        if times_s:
            spans.append((started_ms, started_ms + round(times_s[-1] * 1000) + 100))
    spans = sorted([(START_MS, START_MS), *spans, (START_MS + FILM_MS, START_MS + FILM_MS)])
    if missing := oracle.holes(spans, SLACK_MS):
        yield f"neither recorded nor told as a gap: {[(a - START_MS, b - START_MS) for a, b in missing]}"
    finished = {fact["recording_id"] for fact in told["facts"] if fact["type"] == "recording.finished"}
    for recording_id in finished:
        if not recover(incoming / f"{recording_id}.vge", ring).already_finished:
            yield f"{recording_id} was told as finished and has no end"
    if hit and any(fact["type"] == "recording.gap" for fact in told["facts"]) and not TROUBLE.search(log):
        yield "the log does not name the failure"


# -- short and full -----------------------------------------------------------------------------------------------


def tell(what: str, count: int, tally: Tally, seed: int) -> None:
    figures = {
        "calls made": count,
        "failed one by one": tally.tried,
        "of them reached": tally.struck,
        "storage started again": tally.not_started,
        "faults": len(tally.faults),
        "seed": seed,
    }
    report.note(f"Figure 4: {what}", figures)
    print("\n".join(tally.faults))
    assert tally.faults == []
    assert tally.struck > 0


@pytest.mark.timeout(300)
def test_a_sync_that_fails_in_storage_loses_nothing_confirmed(template: Rig, tmp_path: Path) -> None:
    seed = report.seed()
    film, tally = make_film(2), Tally()
    k = random.Random(seed).randrange(3, 9)
    storage_once(template, tmp_path / f"k{k}", film, *SYNCS, k, tally)
    tell("a random sync of storage fails", k, tally, seed)


@pytest.mark.timeout(300)
def test_a_write_or_sync_that_fails_in_the_worker_leaves_playable_files_and_a_gap(tmp_path: Path) -> None:
    seed, private, tally = report.seed(), X25519PrivateKey.generate(), Tally()
    chance = random.Random(seed)
    calls, k = chance.choice((SYNCS, FILE_WRITES)), chance.randrange(1, 10)
    writer_once(tmp_path / calls[0], private, *calls, k, tally)
    tell("a random sync or write of the worker fails", 1, tally, seed)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("calls", [SYNCS, TABLE_WRITES], ids=lambda calls: calls[0])
def test_every_single_call_of_storage_may_fail(template: Rig, tmp_path: Path, calls: tuple[str, str]) -> None:
    film, tally = make_film(2), Tally()
    count = count_of_storage(template, tmp_path / "count", film, calls[0])
    step = report.size("EVERY", 1)
    for k in range(1, count + 1, step):
        storage_once(template, tmp_path / f"k{k}", film, *calls, k, tally)
    tell(f"each of storage's {calls[0]} fails with {calls[1]}", count, tally, 0)


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("calls", [SYNCS, FILE_WRITES], ids=lambda calls: calls[0])
def test_every_single_call_of_the_writer_may_fail(tmp_path: Path, calls: tuple[str, str]) -> None:
    private, tally = X25519PrivateKey.generate(), Tally()
    count = writer_once(tmp_path / "count", private, calls[0], "", 0, tally)
    for k in range(1, count + 1):
        writer_once(tmp_path / f"k{k}", private, *calls, k, tally)
    tell(f"each of the writer's {calls[0]} fails with {calls[1]}", count, tally, 0)
