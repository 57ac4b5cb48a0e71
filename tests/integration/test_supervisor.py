"""Children with real processes: restart after kill -9, giving up, ordered stop, the list in services.json."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from vigilar_common.clock import SystemClock
from vigilar_common.supervision import MAX_RESTARTS
from vigilar_common.testing import FakeClock
from vigilar_supervisor.children import Spec, free_port
from vigilar_supervisor.cli import main
from vigilar_supervisor.supervise import TICK_S, Supervisor

LISTENS = "import socket,sys,time; s=socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(1000)"


class FastClock(SystemClock):
    """Delays between restarts pass a thousand times faster; processes are real."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def monotonic_s(self) -> float:
        return self._start + (time.monotonic() - self._start) * 1000


def ticking(supervisor: Supervisor, until: Callable[[], bool], limit_s: float = 20.0) -> None:
    deadline = time.monotonic() + limit_s
    while not until():
        assert time.monotonic() < deadline, "not reached in time"
        supervisor.tick()
        time.sleep(0.02)


def listener(name: str) -> Spec:
    port = free_port()
    return Spec(name, (sys.executable, "-c", LISTENS, str(port)), tcp_port=port)


def test_a_restart_that_is_due_sooner_does_not_wait_for_the_next_round(tmp_path: Path) -> None:
    clock = FakeClock()
    supervisor = Supervisor(tmp_path, clock, lambda _: None)
    supervisor.set_children([Spec("a", ("true",)), Spec("b", ("true",))])
    assert supervisor.pause_s() == TICK_S
    supervisor.children["a"].due_s = clock.monotonic_s() + 0.05
    assert supervisor.pause_s() == pytest.approx(0.05)
    clock.advance(1)
    assert supervisor.pause_s() == TICK_S


def test_a_killed_child_is_started_again_and_the_list_follows(tmp_path: Path) -> None:
    supervisor = Supervisor(tmp_path, SystemClock(), lambda _: None)
    supervisor.set_children([listener("a"), listener("b")])
    ticking(supervisor, lambda: not supervisor.not_ready())
    first = json.loads((tmp_path / "services.json").read_text())["services"]
    os.kill(first["a"]["pid"], signal.SIGKILL)
    killed = time.monotonic()
    ticking(
        supervisor,
        lambda: (
            supervisor.children["a"].ready and supervisor.children["a"].pid not in (None, first["a"]["pid"])
        ),
    )
    assert time.monotonic() - killed < 5
    ticking(
        supervisor,
        lambda: json.loads((tmp_path / "services.json").read_text())["services"]["a"]["pid"] is not None,
    )
    now = json.loads((tmp_path / "services.json").read_text())["services"]
    assert now["b"] == first["b"]
    assert now["a"]["pid"] == supervisor.children["a"].pid
    supervisor.stop()
    assert not (tmp_path / "services.json").exists()


def test_a_child_that_always_dies_is_given_up_with_the_guides_words_and_the_rest_runs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    supervisor = Supervisor(tmp_path, FastClock(), lambda _: None)
    supervisor.set_children([Spec("bad", ("/bin/false",)), listener("good")])
    ticking(supervisor, lambda: supervisor.children["bad"].policy.given_up)
    assert supervisor.children["bad"].policy.restarts == MAX_RESTARTS + 1
    assert "bad exceeded max restarts, giving up" in caplog.text
    assert supervisor.children["good"].pid
    supervisor.stop()


def test_a_child_that_ignores_sigterm_is_killed_and_a_removed_one_is_stopped(tmp_path: Path) -> None:
    stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(1000)"
    supervisor = Supervisor(tmp_path, FastClock(), lambda _: None)
    supervisor.set_children([Spec("stubborn", (sys.executable, "-c", stubborn)), listener("good")])
    ticking(supervisor, lambda: supervisor.children["stubborn"].pid is not None)
    time.sleep(0.3)
    process = supervisor.children["stubborn"].process
    supervisor.set_children([supervisor.children["good"].spec])
    assert process is not None
    assert process.poll() == -signal.SIGKILL
    assert set(supervisor.children) == {"good"}
    supervisor.stop()


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    program = (
        "import sys,time\n"
        "from vigilar_supervisor.children import Child, Spec\n"
        "child = Child(Spec('a', ('/bin/sleep', '1000')))\n"
        "child.start(); print(child.pid, flush=True); time.sleep(1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 5
    while (
        Path(f"/proc/{child_pid}/cmdline").exists()
        and "sleep" in Path(f"/proc/{child_pid}/cmdline").read_text()
    ):
        assert time.monotonic() < deadline, "the child goes on"
        time.sleep(0.02)


def run_cli(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vigilar_supervisor", *args],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_start_refuses_a_bad_configuration_and_names_the_line(tmp_path: Path) -> None:
    (tmp_path / "vigilar.toml").write_text("[web]\nprot = 1\n")
    done = run_cli("start", "-c", "vigilar.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert 'vigilar.toml:2: [web] prot: unknown key; did you mean "port"?' in done.stderr


@pytest.mark.parametrize(
    "command", [[], ["start"], ["demo"], ["init"], ["config"], ["config", "validate"], ["config", "show"]]
)
def test_every_command_knows_its_version(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("vigilar ")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["demo", "--port", "99999"], "is not a port"),
        (["demo", "--camera", "nourl"], "is not ID=URL"),
        (["fly"], "invalid choice"),
        (["start", "--log-level", "LOUD"], "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(
    command: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
