"""`vigilar rules`: read from the service's own files and from the log, in words and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rule_house import Facts
from vigilar_common.clock import SystemClock
from vigilar_common.config.load import assemble
from vigilar_common.config.slices import apply
from vigilar_common.errors import StorageUnavailableError
from vigilar_common.messages.alarm import ArmState
from vigilar_common.testing import FakeClock
from vigilar_events import rules_cli
from vigilar_events.rules import Rules
from vigilar_supervisor.handed_on import storage_url

TOML = """
[system]
timezone = "Europe/Vienna"
[[sensors]]
id = "back_door"
display_name = "Back door"
type = "CONTACT"
protocol = "ZIGBEE"
device_address = "x"
[[rules]]
id = "door"
conditions = [{ type = "sensor_event", sensor_id = "back_door", event = "open" }]
actions = ["alert_all"]
[[rules]]
id = "off"
enabled = false
conditions = [{ type = "camera_motion" }]
actions = ["siren"]
"""


@pytest.fixture(name="house")
def _house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    loaded = assemble(tmp_path / "vigilar.toml", TOML, {})
    apply(loaded, tmp_path / "run")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "storage_token").write_text("t")
    for name, folder in (("CONFIG_RUN", "run"), ("STATE_DIR", "state"), ("SECRETS_DIR", "secrets")):
        monkeypatch.setenv(f"VIGILAR_{name}", str(tmp_path / folder))
    clock = FakeClock(SystemClock().now_ms() - 3_600_000)
    rules = Rules(
        clock=clock, state_dir=tmp_path / "state", config=loaded.config, act=lambda _: None,
        arm_state=lambda: (ArmState.DISARMED, 0),
    )  # fmt: skip
    rules.load()
    rules.settle()
    rules.on_fact(Facts(clock).sensor("back_door", False), 0)
    rules.stop()
    return tmp_path


def test_the_list_says_how_often_when_and_why(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_cli.main(["rules", "list"]) == 0
    first, why, off = capsys.readouterr().out.splitlines()
    assert first.startswith("door  1 time, last 20")
    assert first.endswith(("+01:00", "+02:00"))
    assert (why, off) == ("  back_door contact false (back_door: open)", "off  switched off")
    assert rules_cli.main(["rules", "list", "--json"]) == 0
    assert [rule["count"] for rule in json.loads(capsys.readouterr().out)["rules"]] == [1, 0]


def _log(facts: list[Any]) -> Any:
    rows = [[n, "sensors", n, fact.id, fact.TYPE, fact.body()] for n, fact in enumerate(facts, 1)]

    class Log:
        def __init__(self, url: str, token: str) -> None: ...

        def get(self, path: str, **query: Any) -> Any:
            return {"epoch": "e", "facts": [row for row in rows if row[0] > query["after"]][: query["limit"]]}

    return Log


def test_a_dry_run_prints_what_would_have_been(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts(FakeClock(SystemClock().now_ms() - 7_200_000))
    monkeypatch.setattr(rules_cli, "StorageClient", _log([facts.sensor("back_door", False)]))
    assert rules_cli.main(["rules", "test", "door", "--days", "2"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("door would have fired 1 time since 20")
    assert "back_door contact false (back_door: open)" in said
    assert rules_cli.main(["rules", "test", "door", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 1


def test_what_cannot_be_answered_is_said(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rules_cli.main(["rules", "test", "dor"]) == 1
    assert "there is no rule 'dor'; known are door, off" in capsys.readouterr().err

    class Away:
        def __init__(self, url: str, token: str) -> None: ...

        def get(self, path: str, **query: Any) -> Any:
            raise StorageUnavailableError("storage does not answer")

    monkeypatch.setattr(rules_cli, "StorageClient", Away)
    assert rules_cli.main(["rules", "test", "door"]) == 1
    assert "is Vigilar running?" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        rules_cli.main(["rules", "test", "door", "--days", "90"])
    assert ended.value.code == 2


def test_storage_is_found_where_the_supervisor_runs_it(tmp_path: Path) -> None:
    assert storage_url(tmp_path) == {}
    services = {"services": {"storage": {"api_url": "http://127.0.0.1:4711", "pid": 1}}}
    (tmp_path / "services.json").write_text(json.dumps(services))
    assert storage_url(tmp_path) == {"VIGILAR_STORAGE_URL": "http://127.0.0.1:4711"}
