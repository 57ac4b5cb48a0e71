"""Services that are forks of a process with their code loaded: still children of the supervisor, as if started anew."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from patience import wait_until
from vigilar_common.clock import SystemClock
from vigilar_common.forked import Forked
from vigilar_supervisor import fork_server
from vigilar_supervisor.children import Child, Spec
from vigilar_supervisor.fork_server import ForkServer, Order, order_of
from vigilar_supervisor.supervise import Supervisor

PROBE = """
import json, os, sys, time
print(json.dumps({
    "loaded": "vigilar_common.service" in sys.modules, "parent": os.getppid(), "session": os.getsid(0) == os.getpid(),
    "argv": sys.argv[1:], "colour": os.environ.get("COLOUR"), "home": os.environ.get("HOME"),
    "name": __name__, "comm": open("/proc/self/comm").read().strip(), "open": sorted(os.listdir("/proc/self/fd")),
}), flush=True)
if "orphan" in sys.argv:
    if os.fork():
        os._exit(0)
    time.sleep(0.3)
elif "wait" in sys.argv:
    time.sleep(1000)
sys.exit(7)
"""


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForkServer]:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "vigilar_probe.py").write_text(PROBE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "code"))
    # What the heavy families load is tested by the whole system.
    monkeypatch.setattr(fork_server, "LOADED", {"common": ()})
    running = ForkServer(SystemClock())
    yield running
    running.stop()


@contextlib.contextmanager
def probe(server: ForkServer, folder: Path, *arguments: str) -> Iterator[tuple[Forked, dict[str, Any]]]:
    with (folder / "output").open("wb") as output:
        order = Order("vigilar_probe", arguments, {"COLOUR": "green", "PATH": os.environ["PATH"]})
        process = server.start(order, output.fileno())
    assert process is not None
    try:
        yield process, said(folder)
    finally:
        process.kill()
        process.wait(5)


def said(folder: Path) -> dict[str, Any]:
    text: str = wait_until(lambda: (folder / "output").read_text(), 10, "the service speaks")
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_forked_service_has_its_own_words_environment_and_output_and_is_our_child(
    server: ForkServer, tmp_path: Path
) -> None:
    with probe(server, tmp_path, "one", "two words") as (process, found):
        assert process.wait(10) == 7
    assert found["argv"] == ["one", "two words"]
    assert (found["colour"], found["home"]) == ("green", None)
    assert found["parent"] == os.getpid()
    assert found["session"], "Ctrl-C must reach the supervisor alone"
    assert (found["name"], found["comm"], found["loaded"]) == ("__main__", "probe", True)
    assert len(found["open"]) == 4, "input, output, errors, and the folder that is being listed"


def test_a_signal_reaches_it_and_is_told_as_its_end(server: ForkServer, tmp_path: Path) -> None:
    with probe(server, tmp_path, "wait") as (process, _):
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == -signal.SIGTERM


def test_services_go_on_without_the_fork_server_and_the_next_one_has_a_new_server(
    server: ForkServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with probe(server, tmp_path, "wait") as (first, _):
        old = server.pid
        assert old is not None
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: server.pid is None, 5, "the fork server is gone")
        with probe(server, tmp_path, "wait") as (second, found):
            assert found["parent"] == os.getpid()
            assert second.poll() is None
        assert first.poll() is None
        assert server.pid not in (None, old)
    assert "the fork server died; it is started again" in caplog.text


def test_a_fork_server_that_hangs_costs_its_limit_once_and_nothing_runs_twice(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with probe(server, tmp_path):
        pass
    hung = server.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    for end in server._ends.values():
        end.settimeout(0.3)
    child = Child(Spec("probe", (sys.executable, "-m", "vigilar_probe", "wait")), None, server)
    child.start()
    assert isinstance(child.process, subprocess.Popen), "it was started without the fork server"
    assert "services start without it for 30 s" in caplog.text
    again = Child(Spec("probe", (sys.executable, "-m", "vigilar_probe", "wait")), None, server)
    again.start()
    assert isinstance(again.process, subprocess.Popen)
    for started in (child, again):
        started.signal(signal.SIGKILL)
    assert not Path(f"/proc/{hung}").exists()


def test_a_service_that_nobody_knows_of_never_begins(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with probe(server, tmp_path):
        pass

    forked = []

    def answer_is_lost(*args: Any) -> int:
        forked.append(real(*args))
        raise TimeoutError("no answer")

    real = fork_server._ask
    monkeypatch.setattr(fork_server, "_ask", answer_is_lost)
    (tmp_path / "output").unlink()
    with (tmp_path / "output").open("wb") as output:
        assert server.start(Order("vigilar_probe", ("wait",), {}), output.fileno()) is None
    # It is our child all the same, and ends by itself without a word.
    assert Forked(forked[0], SystemClock()).wait(5) == 0
    assert (tmp_path / "output").read_text() == ""


def test_only_our_own_modules_are_forked() -> None:
    assert order_of((sys.executable, "-m", "vigilar_web", "a"), {}) == Order("vigilar_web", ("a",), {})
    assert order_of((sys.executable, "-m", "http.server"), {}) is None
    assert order_of(("/usr/sbin/mosquitto", "-c", "x"), {}) is None
    assert order_of(("/usr/bin/python3", "-m", "vigilar_demo_camera"), {}) is None


def test_forked_services_end_with_a_killed_supervisor_and_so_does_the_fork_server(
    server: ForkServer, tmp_path: Path
) -> None:
    program = (
        "import sys, time\n"
        "from vigilar_common.clock import SystemClock\n"
        "from vigilar_supervisor import fork_server\n"
        "fork_server.LOADED = {'common': ()}\n"
        "server = fork_server.ForkServer(SystemClock())\n"
        "child = server.start(fork_server.Order('vigilar_probe', ('wait',), {}), 2)\n"
        "print(child.pid, server.pid, flush=True); time.sleep(1000)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert parent.stdout
    pids = [int(word) for word in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    wait_until(lambda: not any(lives(pid) for pid in pids), 5, "all of them are gone")


def test_what_a_killed_service_leaves_behind_is_buried(server: ForkServer, tmp_path: Path) -> None:
    with probe(server, tmp_path, "orphan") as (process, _):
        assert process.wait(5) == 0
    supervisor = Supervisor(tmp_path, SystemClock(), lambda _: None, server)
    wait_until(lambda: children() - {server.pid} != set(), 5, "the orphan is ours")

    def nothing_but_the_server() -> bool:
        supervisor._bury_orphans()
        return children() == {server.pid}

    wait_until(nothing_but_the_server, 5, "the orphan is buried")


def children() -> set[int | None]:
    found: set[int | None] = set()
    for task in Path("/proc/self/task").iterdir():
        found.update(map(int, (task / "children").read_text().split()))
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
