"""Debian's Firefox, driven by WebDriver BiDi over its own WebSocket: no driver program, no patched browser."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

from patience import wait_until
from vigilar_common.testing.broker import free_port
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

START_LIMIT_S = 60.0
ANSWER_LIMIT_S = 60.0
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
PREFERENCES = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "media.autoplay.default": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "intl.accept_languages": "en-GB, en",
}
DEEP = """
(selector) => {
  const look = (root) => {
    const here = root.querySelector(selector);
    if (here) return here;
    for (const one of root.querySelectorAll('*')) {
      const found = one.shadowRoot && look(one.shadowRoot);
      if (found) return found;
    }
    return null;
  };
  return look(document);
}
"""
"""The first element in the page or in any of its components."""


def program() -> str | None:
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window of a fresh profile. What the console and the page's policy complain of is in `complaints`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ids = itertools.count(1)
        self._open = contextlib.ExitStack()
        self.complaints: list[str] = []

    def __enter__(self) -> Firefox:
        found = program()
        assert found, "firefox-esr is not installed: deploy/scripts/setup.sh full"
        profile = self._folder / "profile"
        profile.mkdir(parents=True)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        port = free_port()
        command = [found, "--headless", "--no-remote", "--profile", str(profile)]
        self._log = (self._folder / "firefox.log").open("wb")
        self._process = subprocess.Popen(
            [*command, f"--remote-debugging-port={port}", "about:blank"],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        found_socket = wait_until(lambda: self._connect(port), START_LIMIT_S, "Firefox answers by BiDi")
        assert found_socket
        self._socket = found_socket
        self.ask("session.new", capabilities={})
        self._window = self.ask("browsingContext.getTree")["contexts"][0]["context"]
        self.ask("session.subscribe", events=["log.entryAdded"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        self._log.close()

    def _connect(self, port: int) -> ClientConnection | None:
        assert self._process.poll() is None, "Firefox ended while it started"
        try:
            made = connect(
                f"ws://127.0.0.1:{port}/session", max_size=MAX_MESSAGE_BYTES, open_timeout=5, compression=None
            )
            return self._open.enter_context(made)
        except (OSError, WebSocketException):
            return None

    def ask(self, method: str, **params: Any) -> Any:
        """The result of a command; AssertionError with what Firefox says against it."""
        wanted = next(self._ids)
        self._socket.send(json.dumps({"id": wanted, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(ANSWER_LIMIT_S))
            if message.get("method") == "log.entryAdded":
                self._note(message["params"])
            if message.get("id") == wanted:
                assert message["type"] == "success", f"{method}: {message.get('message')}"
                return message["result"]

    def _note(self, entry: dict[str, Any]) -> None:
        if entry.get("level") == "error":
            self.complaints.append(str(entry.get("text", "")))

    def go(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._window, url=url, wait="interactive")

    def run(self, code: str) -> Any:
        """The value of an expression in the page; promises are awaited."""
        target = {"context": self._window}
        answer = self.ask(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({code})))()",
            target=target,
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer.get("exceptionDetails", {}).get("text")
        text = answer["result"].get("value")
        return None if text is None else json.loads(text)

    def on(self, selector: str, code: str) -> Any:
        """`code` is an expression over `e`, the first such element; None while there is none."""
        return self.run(
            f"(async () => {{ const e = ({DEEP})({json.dumps(selector)}); return e ? await ({code}) : null; }})()"
        )

    def press(self, selector: str) -> None:
        assert self.on(selector, "(e.click(), true)"), f"there is no {selector}"

    def write(self, selector: str, text: str) -> None:
        told = "e.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true}))"
        into = f"(e.focus(), e.value = {json.dumps(text)}, {told}, true)"
        assert self.on(selector, into), f"there is no {selector}"
