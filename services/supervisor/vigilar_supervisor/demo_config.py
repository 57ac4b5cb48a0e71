"""The configuration that `vigilar demo` writes for its folder."""

from __future__ import annotations

from pathlib import Path

import tomlkit


def demo_config(home: Path, cameras: dict[str, str], login: dict[str, str], own_camera: bool) -> str:
    """TOML text. Paths are inside `home`; what differs from the defaults is there for the demo to be quick to watch."""
    document = tomlkit.document()
    document.add(tomlkit.comment("Written by `vigilar demo`; a new start writes it anew."))
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
    document["alerts"] = {
        "web_push": {
            "vapid_private_key_file": str(home / "secrets" / "alerts" / "vapid_private.pem"),
            "extra_endpoints": ["http://127.0.0.1", "http://localhost"],
        }
    }
    tables = tomlkit.aot()
    for camera_id, url in cameras.items():
        table = tomlkit.table()
        table["id"] = camera_id
        table["display_name"] = "Demo street" if own_camera else camera_id
        table["rtsp_url"] = url
        table["location"] = "EXTERIOR"
        if own_camera:
            table["resolution_capture"] = [768, 576]
            table["post_motion_buffer_s"] = 5
        tables.append(table)
    document["cameras"] = tables
    return tomlkit.dumps(document)
