"""The scripts of deploy/: clean by shellcheck, and what they make."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID
from vigilar_alerts.adapters.web_push import VapidKey
from vigilar_common import broker
from vigilar_common.config.load import load

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "deploy/scripts"


def script(name: str, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPTS / name), *words],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_shellcheck_has_nothing_to_say() -> None:
    checker = shutil.which("shellcheck", path=f"{ROOT / '.venv/bin'}:{os.environ['PATH']}")
    assert checker, "shellcheck is a development dependency"
    done = subprocess.run(
        [checker, *map(str, sorted(SCRIPTS.glob("*.sh")))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


# -- gen_cert.sh ------------------------------------------------------------------------------------------------


def make_certificate(folder: Path, *words: str, config: str = "[web]\n") -> tuple[Path, str]:
    file = folder / "vigilar.toml"
    if not file.exists():
        file.write_text(config)
    done = script("gen_cert.sh", *words, env={"VIGILAR_CONFIG": str(file)})
    assert done.returncode == 0, done.stderr
    return file, done.stdout


def test_the_certificate_is_p256_for_3650_days_and_the_four_names(tmp_path: Path) -> None:
    make_certificate(tmp_path, "--ip", "192.168.7.20")
    made = x509.load_pem_x509_certificate((tmp_path / "certs/cert.pem").read_bytes())
    key = load_pem_private_key((tmp_path / "certs/key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert made.public_key() == key.public_key()
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 3650
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["vigilar.local", "localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "192.168.7.20"]
    use = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert stat.S_IMODE((tmp_path / "certs/key.pem").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "certs/cert.pem").stat().st_mode) == 0o644


def test_a_certificate_that_serves_stays_and_another_address_or_renew_makes_a_new_one(tmp_path: Path) -> None:
    def content() -> bytes:
        return (tmp_path / "certs/cert.pem").read_bytes()

    make_certificate(tmp_path, "--ip", "192.168.7.20")
    first = content()
    _, said = make_certificate(tmp_path, "--ip", "192.168.7.20")
    assert "stays" in said
    assert content() == first
    make_certificate(tmp_path, "--ip", "192.168.7.21")
    second = content()
    assert second != first
    make_certificate(tmp_path, "--ip", "192.168.7.21", "--renew")
    assert content() != second


@pytest.mark.parametrize(
    "config",
    [
        (ROOT / "config/vigilar.toml").read_text(),
        '# mine\n[web]\nport = 8443  # stays\n\n[mqtt]\nhost = "127.0.0.1"\n',
        '[web]\ntls_cert = "/old"\n[mqtt]\nport = 1883\n',
        '[mqtt]\nport = 1883\n[web] # the door\ntls_key = ""\nport = 8443',
        "[mqtt]\nport = 1883\n",
        "",
    ],
    ids=["sample", "missing", "one", "last", "no-section", "empty"],
)
def test_the_configuration_names_the_certificate_and_keeps_all_else(tmp_path: Path, config: str) -> None:
    file, _ = make_certificate(tmp_path, "--ip", "192.168.7.20", config=config)
    before, after = tomllib.loads(config), tomllib.loads(file.read_text())
    assert after["web"].pop("tls_cert") == str(tmp_path / "certs/cert.pem")
    assert after["web"].pop("tls_key") == str(tmp_path / "certs/key.pem")
    for key in ("tls_cert", "tls_key"):
        before.setdefault("web", {}).pop(key, None)
    assert after == before
    kept = [line for line in config.splitlines() if not re.match(r"\s*tls_(cert|key)\s*=", line)]
    assert [line for line in file.read_text().splitlines() if line in kept][: len(kept)] == kept
    load(file, {})
    once = file.read_text()
    make_certificate(tmp_path, "--ip", "192.168.7.20")
    assert file.read_text() == once


def test_mkcert_makes_the_certificate_where_it_is_installed(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "mkcert").write_text(
        f'#!/bin/sh\necho "$@" >{tmp_path}/asked\n'
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 825 -subj /CN=mkcert "
        '-keyout "$5" -out "$3" 2>/dev/null\n'
    )
    (tools / "mkcert").chmod(0o755)
    (tmp_path / "vigilar.toml").write_text("[web]\n")
    env = {"VIGILAR_CONFIG": str(tmp_path / "vigilar.toml"), "PATH": f"{tools}:/usr/sbin:/usr/bin:/sbin:/bin"}
    done = script("gen_cert.sh", "--ip", "192.168.7.20", env=env)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().split()
    assert asked[:2] == ["-ecdsa", "-cert-file"]
    assert asked[-4:] == ["vigilar.local", "localhost", "127.0.0.1", "192.168.7.20"]
    assert "certs/cert.pem" in (tmp_path / "vigilar.toml").read_text()


@pytest.mark.parametrize("words", [["--ip", "house; rm -rf /"], ["--what"]])
def test_wrong_words_change_nothing(tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "vigilar.toml").write_text("[web]\n")
    done = script("gen_cert.sh", *words, env={"VIGILAR_CONFIG": str(tmp_path / "vigilar.toml")})
    assert done.returncode == 1
    assert (tmp_path / "vigilar.toml").read_text() == "[web]\n"
    assert not (tmp_path / "certs/cert.pem").exists()


# -- gen_vapid_keys.sh ------------------------------------------------------------------------------------------


def test_the_push_keys_are_a_pair_that_alerts_can_use_and_are_made_once(tmp_path: Path) -> None:
    env = {"VIGILAR_SECRETS": str(tmp_path)}
    assert script("gen_vapid_keys.sh", env=env).returncode == 0
    private, public = tmp_path / "vapid_private.pem", tmp_path / "vapid_public.txt"
    assert VapidKey(private).public == public.read_text().strip()
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(public.stat().st_mode) == 0o644
    first = private.read_bytes()
    public.unlink()
    assert "stays" in script("gen_vapid_keys.sh", env=env).stdout
    assert private.read_bytes() == first
    assert VapidKey(private).public == public.read_text().strip()
    assert script("gen_vapid_keys.sh", "--renew", env=env).returncode == 0
    assert private.read_bytes() != first
    assert VapidKey(private).public == public.read_text().strip()


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(tmp_path / "vapid_private.pem")],
        check=True,
    )
    done = script("gen_vapid_keys.sh", env={"VIGILAR_SECRETS": str(tmp_path)})
    assert done.returncode == 1
    assert "is not a key on the curve P-256" in done.stderr
    assert not (tmp_path / "vapid_public.txt").exists()


# -- install.sh -------------------------------------------------------------------------------------------------


def test_a_dry_run_names_the_eight_phases_and_changes_nothing(tmp_path: Path) -> None:
    before = {
        path: path.exists() for path in (Path("/opt/vigilar"), Path("/etc/vigilar"), Path("/var/vigilar"))
    }
    done = script("install.sh", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert re.findall(r"\[(\d)/8\]", done.stdout) == list("12345678")
    assert "Nothing was changed." in done.stdout
    assert {path: path.exists() for path in before} == before


def test_purging_without_a_terminal_needs_a_yes_and_wrong_words_are_refused() -> None:
    done = script("install.sh", "--purge")
    assert done.returncode == 1
    assert "--purge goes with --uninstall only" in done.stderr
    assert script("install.sh", "--what").returncode == 1


def test_the_brokers_file_has_the_bounds_that_the_program_counts_on() -> None:
    text = (ROOT / "deploy/mosquitto/vigilar.conf").read_text()
    lines = {line for line in text.splitlines() if line and not line.startswith("#")}
    folder = Path("/etc/mosquitto/vigilar")
    generated = broker.mosquitto_conf(
        listeners=["1883 127.0.0.1"], password_file=folder / "passwd", acl_file=folder / "acl"
    ).splitlines()
    # Expiry is for sessions that persist; Debian's own file says the rest.
    other = {"per_listener_settings false", "persistent_client_expiration 7d", "log_dest stdout"}
    assert {line for line in generated if not line.startswith("#")} - other == lines - {"log_dest syslog"}


# -- units ------------------------------------------------------------------------------------------------------


def unit(name: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in (ROOT / "deploy/systemd" / name).read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator and not line.startswith("#"):
            values.setdefault(key, []).append(value)
    return values


def test_the_unit_has_what_the_operator_guide_says() -> None:
    found = unit("vigilar.service")
    assert found["ExecStart"] == ["/opt/vigilar/venv/bin/vigilar start --config /etc/vigilar/vigilar.toml"]
    assert (found["User"], found["Group"]) == (["vigilar"], ["vigilar"])
    assert "VIGILAR_CONFIG=/etc/vigilar/vigilar.toml" in found["Environment"]
    assert found["Requires"] == ["mosquitto.service"]
    assert "nut-monitor.service" in found["Wants"][0].split()
    assert (found["Restart"], found["RestartSec"], found["WatchdogSec"]) == (["on-failure"], ["10"], ["120"])
    assert found["ProtectSystem"] == ["strict"]
    for name in ("ProtectHome", "PrivateTmp", "PrivateDevices", "NoNewPrivileges"):
        assert found[name] == ["yes"], name
    assert found["SystemCallFilter"] == ["@system-service"]
    assert found["ReadWritePaths"] == ["/var/vigilar/data /var/vigilar/recordings /var/vigilar/hls"]
    assert found["ReadOnlyPaths"] == ["/etc/vigilar"]
    assert found["SyslogIdentifier"] == ["vigilar"]
    assert found["Type"] == ["notify"]
    assert found["LoadCredential"] == ["keys:/etc/vigilar/secrets"]


def test_what_root_runs_by_itself_lies_where_the_services_user_cannot_write() -> None:
    assert unit("vigilar-broker.service")["ExecStart"] == ["/usr/local/lib/vigilar/broker_users.sh"]
    # The one exception runs the program of the service's user, and is fenced in for it.
    backup = unit("vigilar-backup.service")
    assert backup["ReadWritePaths"] == ["/var/vigilar/data /var/vigilar/backups"]
    assert backup["PrivateNetwork"] == ["yes"]
    assert backup["ProtectSystem"] == ["strict"]
