"""What the demo adds to a configuration: a login, and a camera that needs no house."""

from __future__ import annotations

import json
import secrets as random
from pathlib import Path
from typing import Any

from vigilar_common.config.files import write_atomic
from vigilar_common.passwords import hash_password, hash_pin

DEMO_CAMERA = "demo"
NO_EXIT_DELAY = {mode: {"exit_delay_s": 0} for mode in ("home", "away", "night", "vacation")}
"""There is no door to leave by: who arms the demo wants to see it armed."""


def demo_login(secrets_root: Path) -> dict[str, str]:
    """User, password and PIN of this installation's demo, made once, with their hashes."""
    path = secrets_root / "demo-login.json"
    if path.exists():
        login: dict[str, str] = json.loads(path.read_text("utf-8"))
        return login
    password, pin = random.token_urlsafe(9), f"{random.randbelow(1_000_000):06d}"
    login = {
        "username": "admin",
        "password": password,
        "pin": pin,
        "password_hash": hash_password(password),
        "pin_hash": hash_pin(pin),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomic(path, json.dumps(login) + "\n", 0o600)
    return login


def demo_camera(url: str) -> dict[str, Any]:
    """The demo camera's block: the film is smaller than the default, and a short post-roll makes clips soon."""
    return {
        "id": DEMO_CAMERA,
        "display_name": "Demo street",
        "rtsp_url": url,
        "location": "EXTERIOR",
        "resolution_capture": [768, 576],
        "post_motion_buffer_s": 5,
    }


def demo_settings(url: str, login: dict[str, str]) -> dict[str, Any]:
    """Changes for settings.toml, in containers."""
    return {
        "web": {"username": login["username"], "password_hash": login["password_hash"]},
        "security": {"pin_hash": login["pin_hash"]},
        "ups": {"enabled": False},
        "alarm": {"modes": NO_EXIT_DELAY},
        "cameras": [demo_camera(url)],
    }


def has_model(home: Path) -> bool:
    """A model was installed here, so that persons can be told from other motion."""
    return any((home / "state" / "detector" / "models").glob("*/manifest.json"))


def demo_config(home: Path, cameras: dict[str, str], login: dict[str, str], own_camera: bool) -> str:
    """vigilar.toml of `vigilar demo`: every path inside `home`."""
    import tomlkit

    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `vigilar demo`; the next start writes it anew."))
    document["system"] = {
        "name": "Vigilar demo",
        "data_dir": str(home / "data"),
        "recordings_dir": str(home / "recordings"),
        "hls_dir": str(home / "hls"),
    }
    document["web"] = {"username": login["username"], "password_hash": login["password_hash"]}
    document["security"] = {"pin_hash": login["pin_hash"]}
    document["storage"] = {"key_file": str(home / "secrets" / "storage" / "storage.key")}
    document["ups"] = {"enabled": False}
    document["detection"] = {"person_detection": has_model(home)}
    document["alarm"] = {"modes": NO_EXIT_DELAY}
    document["alerts"] = {
        "web_push": {
            "vapid_private_key_file": str(home / "secrets" / "alerts" / "vapid_private.pem"),
            "extra_endpoints": ["http://127.0.0.1", "http://localhost"],
        }
    }
    tables = tomlkit.aot()
    for camera_id, url in cameras.items():
        entry = (
            demo_camera(url)
            if own_camera
            else {"id": camera_id, "display_name": camera_id, "rtsp_url": url, "location": "EXTERIOR"}
        )
        tables.append(tomlkit.item(entry))
    document["cameras"] = tables
    return tomlkit.dumps(document)
