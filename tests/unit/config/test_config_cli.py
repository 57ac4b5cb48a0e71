"""`vigilar config …`, through argparse and as a real process."""

from __future__ import annotations

import argparse
import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from vigilar_common import passwords
from vigilar_common.passwords import verify_password, verify_pin
from vigilar_supervisor import config_cli

PIN_HASH = f"pbkdf2_sha256${'ab' * 16}${'cd' * 32}"
CONFIG = f"""\
# the hall
[system]
data_dir = "DATA"
[web] # the door
username = "ann" # me
[security]
pin_hash = "{PIN_HASH}"
[alerts.webhook]
url = "https://u:canary1@192.0.2.7/"
secret = "canary2"
[alerts.email]
password = "canary3"
[mqtt]
password = "canary4"
[[cameras]]
id = "front"
display_name = "Front"
rtsp_url = "rtsp://admin:canary5@192.0.2.1/main?password=canary6"
[[cameras]]
id = "back"
display_name = "Back"
rtsp_url = "rtsp://192.0.2.2/"
enabled = false
"""
PROGRAM = """
import argparse, sys
from vigilar_supervisor import config_cli
parser = argparse.ArgumentParser(prog="vigilar")
config_cli.register(parser.add_subparsers(required=True))
args = parser.parse_args()
sys.exit(args.func(args))
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "vigilar.toml"
    path.write_text(CONFIG.replace("DATA", str(tmp_path / "data")), encoding="utf-8")
    for name in [name for name in os.environ if name.startswith("VIGILAR")]:
        monkeypatch.delenv(name)
    return path


def run(*words: str) -> int:
    parser = argparse.ArgumentParser(prog="vigilar")
    config_cli.register(parser.add_subparsers(required=True))
    args = parser.parse_args(["config", *words])
    code = args.func(args)
    assert isinstance(code, int)
    return code


def give(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(line)))


def test_validate_prints_a_summary(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", "-c", str(config)) == 0
    out = capsys.readouterr().out
    assert re.match(rf"{config}: valid \(revision [0-9a-f]{{12}}\)\n", out)
    for line in ("Cameras: 2 (1 disabled)", "Sensors: 0", "Rules: 0", "UPS: enabled (ups@127.0.0.1:3493)"):
        assert line in out.splitlines()


def test_validate_lists_every_error_and_ends_with_1(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[web]\nprot = 1\n[ups]\nnut_port = 0\n", encoding="utf-8")
    assert run("validate", "-c", str(config)) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f'{config}:2: [web] prot: unknown key; did you mean "port"?',
        f"{config}:4: [ups] nut_port: must be greater than or equal to 1",
    ]


def test_validate_shows_warnings(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("[storage]\nfree_space_floor_gb = 1\n", encoding="utf-8")
    assert run("validate", "-c", str(config)) == 0
    assert "Warning: [storage] free_space_floor_gb is a legacy key" in capsys.readouterr().out


def test_the_variable_names_the_file(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VIGILAR_CONFIG", str(config))
    assert run("validate") == 0
    monkeypatch.setenv("VIGILAR_CONFIG", str(config) + "x")
    assert run("validate") == 1
    assert "vigilar.tomlx: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nonsense"], [], ["validate", "--nonsense"], ["show", "-c"]])
def test_usage_errors_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(*words)
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_show_is_json_with_defaults_and_without_secrets(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("show", "-c", str(config)) == 0
    out = capsys.readouterr().out
    values = json.loads(out)
    assert values["web"]["port"] == 49735
    assert values["web"]["password_hash"] == ""
    assert values["security"]["pin_hash"] == "***"
    assert values["alerts"]["webhook"] == {"enabled": False, "url": "https://***@192.0.2.7/", "secret": "***"}
    assert values["cameras"][0]["rtsp_url"] == "rtsp://***@192.0.2.1/main?password=***"
    assert "canary" not in out
    assert PIN_HASH not in out


def test_show_names_the_origin_of_each_value(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = config.with_name("s.toml")
    settings.write_text("[[cameras]]\nid = 'front'\nretention_days = 3\n", encoding="utf-8")
    assert run("show", "--origin", "-c", str(config), "--settings", str(settings)) == 0
    out = capsys.readouterr().out
    values = json.loads(out)
    assert values["web.username"] == {"value": "ann", "origin": f"vigilar.toml ({config}:5)"}
    assert values["web.port"] == {"value": 49735, "origin": "default"}
    assert values["cameras.front.retention_days"] == {"value": 3, "origin": f"settings.toml ({settings}:3)"}
    assert values["security.pin_hash"]["value"] == "***"
    assert "canary" not in out


def test_settings_in_the_data_folder_count(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = config.parent / "data" / "state" / "storage"
    folder.mkdir(parents=True)
    (folder / "settings.toml").write_text("[web]\nport = 8443\n", encoding="utf-8")
    assert run("show", "-c", str(config)) == 0
    assert json.loads(capsys.readouterr().out)["web"]["port"] == 8443


def test_apply_writes_slices_and_says_which(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = config.parent / "run"
    assert run("apply", "-c", str(config), "--config-run", str(folder)) == 0
    assert (folder / "cameras" / "camera-worker-front" / "config.json").exists()
    assert "camera-worker-back" in capsys.readouterr().out
    assert run("apply", "-c", str(config), "--config-run", str(folder)) == 0
    assert "nothing changed" in capsys.readouterr().out


def test_apply_of_a_bad_configuration_leaves_the_slices(config: Path) -> None:
    folder = config.parent / "run"
    assert run("apply", "-c", str(config), "--config-run", str(folder)) == 0
    before = (folder / "web" / "config.json").read_bytes()
    config.write_text("[web]\nport = 0\n", encoding="utf-8")
    assert run("apply", "-c", str(config), "--config-run", str(folder)) == 1
    assert (folder / "web" / "config.json").read_bytes() == before
    assert (folder / "cameras" / "camera-worker-front" / "config.json").exists()


def test_merge_prints_one_file(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = config.with_name("s.toml")
    settings.write_text("[web]\nusername = 'bob'\n", encoding="utf-8")
    assert run("merge", "-c", str(config), "--settings", str(settings)) == 0
    assert 'username = "bob" # me' in capsys.readouterr().out.replace("'", '"')
    assert run("merge", "-c", str(config), "--settings", str(settings) + "x") == 1


@pytest.mark.parametrize(
    ("verb", "entered", "section", "key", "pattern"),
    [
        ("set-password", "correct horse", "web", "password_hash", r"[0-9a-f]{32}:[0-9a-f]{64}"),
        ("set-pin", "0012", "security", "pin_hash", r"pbkdf2_sha256\$[0-9a-f]{32}\$[0-9a-f]{64}"),
        (
            "set-recovery-passphrase",
            "long enough",
            "security",
            "recovery_passphrase_hash",
            r"pbkdf2_sha256\$[0-9a-f]{32}\$[0-9a-f]{64}",
        ),
    ],
)
def test_hash_verbs_print_the_line_to_paste_or_write_it(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    entered: str,
    section: str,
    key: str,
    pattern: str,
) -> None:
    # What a hash costs is tested with the formats, in test_passwords.
    monkeypatch.setattr(passwords, "PBKDF2_ITERATIONS", 10)
    before = config.read_text(encoding="utf-8")
    give(monkeypatch, entered.encode() + b"\n")
    assert run(verb, "--stdin", "-c", str(config)) == 0
    captured = capsys.readouterr()
    found = re.fullmatch(rf'{key} = "({pattern})"\n', captured.out)
    assert found
    verify = verify_password if section == "web" else verify_pin
    assert verify(entered, found.group(1))
    assert f"[{section}]" in captured.err
    assert config.read_text(encoding="utf-8") == before

    config.chmod(0o604)
    give(monkeypatch, entered.encode())
    assert run(verb, "--stdin", "--write", "-c", str(config)) == 0
    after = config.read_text(encoding="utf-8")
    assert re.search(rf'^{key} = "{pattern}"$', after, re.MULTILINE)
    kept = [line for line in after.splitlines() if not line.startswith(f"{key} =")]
    assert kept == [line for line in before.splitlines() if not line.startswith(f"{key} =")]
    assert config.stat().st_mode & 0o777 == 0o604
    assert run("validate", "-c", str(config)) == 0


@pytest.mark.parametrize(
    ("verb", "entered", "reason"),
    [
        ("set-pin", b"12\n", "PIN: a PIN has 4 to 16 digits"),
        ("set-pin", b"", "PIN: a PIN has 4 to 16 digits"),
        ("set-password", b"short\n", "web password: at least 8 characters are needed"),
        ("set-password", b"\xff\xfe12345678\n", "web password: is not UTF-8 text"),
        ("set-recovery-passphrase", b"x" * 1025, "recovery passphrase: at most 1024 bytes are possible"),
    ],
)
def test_unusable_secrets_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    entered: bytes,
    reason: str,
) -> None:
    give(monkeypatch, entered)
    assert run(verb, "--stdin") == 1
    captured = capsys.readouterr()
    assert captured.err.strip() == reason
    assert captured.out == ""


def test_without_terminal_and_without_stdin_option_the_usage_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, b"0012\n")
    assert run("set-pin") == 2
    assert "use --stdin" in capsys.readouterr().err


def test_writing_into_a_file_that_is_not_there_fails(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, b"0012\n")
    assert run("set-pin", "--stdin", "--write", "-c", str(config) + "x") == 1
    assert "no such file" in capsys.readouterr().err


def talk(words: list[str], lines: list[bytes]) -> tuple[int, str]:
    """Run the command on a terminal, answer each prompt, return exit code and everything shown."""
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - the other process
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, "config", *words])  # noqa: S606
    shown = b""
    try:
        for line in lines:
            prompts = shown.count(b": ")
            while shown.count(b": ") == prompts:
                shown += os.read(terminal, 1024)
            os.write(terminal, line + b"\n")
        while True:
            try:
                more = os.read(terminal, 1024)
            except OSError:  # the terminal's other end is closed
                break
            if not more:
                break
            shown += more
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), shown.decode()


def test_a_terminal_is_asked_twice_and_shows_nothing() -> None:
    code, shown = talk(["set-password"], [b"correct horse", b"correct horse"])
    assert code == 0
    assert "New web password: " in shown
    assert "Repeat the web password: " in shown
    assert "horse" not in shown
    found = re.search(r'password_hash = "([^"]+)"', shown)
    assert found
    assert verify_password("correct horse", found.group(1))


def test_two_different_entries_are_refused() -> None:
    code, shown = talk(["set-pin"], [b"0012", b"0013"])
    assert code == 1
    assert "PIN: the two entries differ; nothing was changed" in shown
    assert "pin_hash" not in shown


def test_a_real_process_ends_with_the_exit_code(config: Path) -> None:
    config.write_text("[web\n", encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, "config", "validate", "-c", str(config)]
    bad = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert bad.returncode == 1
    assert f"{config}:1: is not valid TOML" in bad.stderr
    assert "Traceback" not in bad.stderr
