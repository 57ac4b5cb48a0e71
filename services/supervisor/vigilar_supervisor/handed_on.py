"""Verbs that belong to a service: `vigilar verify …` runs `python -m vigilar_storage verify …`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from vigilar_common.config.load import find_config_path, load

from vigilar_supervisor.start import layout_of
from vigilar_supervisor.supervise import SERVICES_FILE

NEED_NOTHING = ("cameras", "recover")
"""Verbs for those who have no configuration: not yet, or not any more."""


def run(service: str, words: list[str]) -> int:
    """The verb's own exit code. `-c` names the configuration, as everywhere. Raises ConfigError."""
    return subprocess.run(
        [sys.executable, "-m", f"vigilar_{service}", *words],
        env=None if words[0] in NEED_NOTHING else environment(service, words),
        check=False,
    ).returncode


def storage_url(run_dir: Path) -> dict[str, str]:
    """Where storage answers while `vigilar start` runs; empty when it does not."""
    try:
        services = json.loads((run_dir / SERVICES_FILE).read_text("utf-8"))["services"]
        return {"VIGILAR_STORAGE_URL": str(services["storage"]["api_url"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def environment(service: str, words: list[str]) -> dict[str, str]:
    """What the service itself is given on this host; in a container it is set already and stays."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("-c", "--config")
    known, _ = finder.parse_known_args(words)
    path = find_config_path(known.config, os.environ)
    given = dict(os.environ)
    if "VIGILAR_SERVICE" in given:
        return given
    layout = layout_of(path, load(path).config)
    return {
        **storage_url(layout.run),
        **given,
        "VIGILAR_CONFIG": str(layout.config),
        "VIGILAR_SETTINGS": given.get("VIGILAR_SETTINGS", str(layout.settings)),
        "VIGILAR_CONFIG_RUN": str(layout.config_run),
        "VIGILAR_STATE_DIR": str(layout.state / service),
        "VIGILAR_SECRETS_DIR": str(layout.secrets_layout.folder(service)),
    }
