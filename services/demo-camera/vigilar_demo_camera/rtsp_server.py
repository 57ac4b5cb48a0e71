"""The RTSP server: plays films in an endless loop, like cameras that were always there.

Runs under Debian's own interpreter as a script, because only that one has GStreamer's bindings; therefore it
imports nothing but the standard library, ``gi`` and two modules of this package that keep to the same.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

if not __package__:
    # Run as a script: make the package importable, and the package's own folder not.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from vigilar_demo_camera.mounts import Feeder, Mount, Truth
from vigilar_demo_camera.playback import (
    Fault,
    FilmError,
    load_film,
    parse_fault,
    parse_film_argument,
)

PASSWORD_VARIABLE = "VIGILAR_DEMO_CAMERA_PASSWORD"  # noqa: S105 - the name of a variable, no password
EXIT_UNUSABLE = 3
SESSION_CLEANUP_S = 10
CLIENT_THREADS = 4

_ELEMENTS = ("appsrc", "rtph264pay", "rtph265pay", "rtpbin", "udpsrc", "multiudpsink", "appsink", "queue")
_ROLE = "viewer"

log = logging.getLogger("demo-camera")


class UnusableError(Exception):
    """This interpreter cannot serve RTSP; the message says what is missing and the cure."""


def load_gstreamer() -> Any:
    """``Gst``, ``GstRtsp``, ``GstRtspServer``, ``GLib`` as attributes; UnusableError when one is missing."""
    cure = (
        "Install python3-gi gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
        "(Debian packages) and run this with /usr/bin/python3."
    )
    try:
        import gi  # type: ignore[import-not-found, unused-ignore]

        for name in ("Gst", "GstRtsp", "GstRtspServer"):
            gi.require_version(name, "1.0")
        from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found, unused-ignore]
    except (ImportError, ValueError) as error:
        raise UnusableError(f"GStreamer's RTSP server cannot be loaded ({error}). {cure}") from error
    Gst.init(None)
    missing = [name for name in _ELEMENTS if Gst.ElementFactory.find(name) is None]
    if missing:
        raise UnusableError(f"GStreamer has no {', '.join(missing)}. {cure}")
    return SimpleNamespace(Gst=Gst, GstRtsp=GstRtsp, GstRtspServer=GstRtspServer, GLib=GLib)


class Server:
    """GStreamer's RTSP server with its mounts, from ``start`` until SIGTERM or SIGINT."""

    def __init__(
        self, gst: Any, mounts: list[Mount], address: str, port: int, user: str, password: str
    ) -> None:
        self._gst = gst
        self._mounts = mounts
        self._feeder = Feeder(mounts)
        self._loop = gst.GLib.MainLoop()
        self._feeder.on_failure = self._loop.quit
        self._address = address
        self._factories: dict[str, Any] = {}
        self._server = gst.GstRtspServer.RTSPServer()
        self._server.set_address(address)
        self._server.set_service(str(port))
        self._server.connect("client-connected", self._connected)
        pool = gst.GstRtspServer.RTSPThreadPool()
        pool.set_max_threads(CLIENT_THREADS)
        self._server.set_thread_pool(pool)
        if user:
            self._server.set_auth(self._authentication(user, password))
        for mount in mounts:
            mount.on_close_fault = self._close_fault
            self._add_factory(mount, protected=bool(user))

    def _authentication(self, user: str, password: str) -> Any:
        """Digest only, as cameras should: the password never crosses the wire."""
        auth = self._gst.GstRtspServer.RTSPAuth()
        auth.set_supported_methods(self._gst.GstRtsp.RTSPAuthMethod.DIGEST)
        token = self._gst.GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", _ROLE)
        auth.add_digest(user, password, token)
        return auth

    def _add_factory(self, mount: Mount, protected: bool) -> None:
        factory = self._gst.GstRtspServer.RTSPMediaFactory()
        factory.set_launch(mount.launch())
        factory.set_shared(True)
        if protected:
            permissions = self._gst.GstRtspServer.RTSPPermissions()
            for right in ("media.factory.access", "media.factory.construct"):
                permissions.add_permission_for_role(_ROLE, right, True)
            factory.set_permissions(permissions)
        factory.connect("media-configure", self._configured, mount)
        self._factories[mount.name] = factory
        self._server.get_mount_points().add_factory(f"/{mount.name}", factory)

    def _configured(self, _factory: Any, media: Any, mount: Mount) -> None:
        source = media.get_element().get_by_name_recurse_up("source")

        def started(_source: Any, _wanted: int) -> None:
            # The first request for data: from here on the source has a clock to take timestamps from.
            source.set_property("emit-signals", False)
            mount.attach(source)
            self._feeder.wake()

        kept: list[bool] = []

        def prepared(_media: Any) -> None:
            # Our own hold on it keeps it running without viewers, as a camera does. The server would else
            # tear it down with the last one, and answer whoever comes in that moment with an error.
            if not kept:
                kept.append(media.prepare(None))

        source.connect("need-data", started)
        media.connect("prepared", prepared)
        media.connect("unprepared", lambda _media: mount.detach(source))

    def _connected(self, _server: Any, client: Any) -> None:
        client.connect("pre-describe-request", self._came)
        client.connect("teardown-request", lambda leaving, _context: self._left(leaving))
        client.connect("closed", self._left)

    def _came(self, client: Any, context: Any) -> Any:
        """Before the media is made, so that its very first frame counts as watched."""
        name = context.uri.abspath.strip("/").split("/")[0]
        for mount in self._mounts:
            if mount.name == name:
                mount.viewers.add(client)
        return self._gst.GstRtsp.RTSPStatusCode.OK

    def _left(self, client: Any) -> None:
        for mount in self._mounts:
            mount.viewers.discard(client)

    def _close_fault(self, mount: Mount, fault: Fault) -> None:
        """Runs in the feeder thread; the main loop does it, because closing waits for the source's lock."""

        def close() -> bool:
            points = self._server.get_mount_points()
            if fault.span_s is not None:
                points.remove_factory(f"/{mount.name}")
                self._gst.GLib.timeout_add(int(fault.span_s * 1000), restore)
            for client in list(mount.viewers):
                client.close()
            return False

        def restore() -> bool:
            self._server.get_mount_points().add_factory(f"/{mount.name}", self._factories[mount.name])
            return False

        self._gst.GLib.idle_add(close)

    def _cleanup(self) -> bool:
        self._server.get_session_pool().cleanup()
        return True

    def run(self, ready_file: Path | None) -> int:
        """Serve; the exit code. UnusableError when the port cannot be had."""
        glib = self._gst.GLib
        if self._server.attach(None) == 0:
            raise UnusableError(
                f"cannot listen on {self._address} port {self._server.get_service()}: is it in use?"
            )
        port = self._server.get_bound_port()
        for number in (signal.SIGTERM, signal.SIGINT):
            glib.unix_signal_add(glib.PRIORITY_HIGH, number, self._loop.quit)
        glib.timeout_add_seconds(SESSION_CLEANUP_S, self._cleanup)
        self._feeder.start()
        urls = {mount.name: f"rtsp://{self._address}:{port}/{mount.name}" for mount in self._mounts}
        log.info("listening: %s", " ".join(urls.values()))
        if ready_file:
            partial = ready_file.with_name(ready_file.name + ".partial")
            partial.write_text(
                json.dumps({"port": port, "pid": os.getpid(), "mounts": urls}), encoding="utf-8"
            )
            partial.replace(ready_file)
        self._loop.run()
        self._feeder.stop()
        if ready_file:
            ready_file.unlink(missing_ok=True)
        log.info("stopped")
        return 1 if self._feeder.failure else 0


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="rtsp_server.py", description="Play films as RTSP cameras.")
    parser.add_argument("--check", action="store_true", help="only say whether this can serve RTSP")
    parser.add_argument("--listen", default="127.0.0.1", help="address (default %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0: any free one")
    parser.add_argument("--film", action="append", default=[], metavar="NAME=path.json")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=stall|garbage|close@S[+S]")
    parser.add_argument("--user", default="", help=f"ask for digest login (${PASSWORD_VARIABLE})")
    parser.add_argument("--ready-file", type=Path, help="JSON with port and addresses, once listening")
    parser.add_argument("--truth-file", type=Path, help="JSON Lines: when loop, onset and end were shown")
    return parser.parse_args(arguments)


def build_mounts(gst: Any, options: argparse.Namespace) -> list[Mount]:
    """FilmError when a film or an argument is unusable, OSError when the truth file cannot be opened."""
    films = dict(parse_film_argument(text) for text in options.film)
    if not films:
        raise FilmError("no --film NAME=path.json was given")
    faults: dict[str, list[Fault]] = {name: [] for name in films}
    for text in options.fault:
        name, fault = parse_fault(text)
        if name not in faults:
            raise FilmError(f"fault {text!r}: there is no film {name!r}")
        faults[name].append(fault)
    truth = Truth(options.truth_file)
    loaded = {path: load_film(path) for path in set(films.values())}
    return [Mount(gst, name, loaded[path], faults[name], truth) for name, path in films.items()]


def build_server(gst: Any, options: argparse.Namespace) -> Server:
    password = os.environ.pop(PASSWORD_VARIABLE, "")
    if options.user and not password:
        raise FilmError(f"--user needs a password in the environment variable {PASSWORD_VARIABLE}")
    mounts = build_mounts(gst, options)
    return Server(gst, mounts, options.listen, options.port, options.user, password)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    options = parse_arguments(arguments)
    try:
        gst = load_gstreamer()
        if options.check:
            return 0
        return build_server(gst, options).run(options.ready_file)
    except (UnusableError, FilmError, OSError) as error:
        log.error("%s", error)  # noqa: TRY400 - a cure for the operator, not a stack trace
        return EXIT_UNUSABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
