"""`vigilar models`: which models there are, fetch one, use one, check them, time one."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vigilar_common import __version__
from vigilar_common.clock import Clock
from vigilar_common.verbs import seconds

from vigilar_models.errors import ModelError
from vigilar_models.manifest import Manifest, Task, read_manifest
from vigilar_models.store import DEFAULT_MODEL, Installed, Store, known_manifests, verify

if TYPE_CHECKING:
    from vigilar_models.timing import Load

BAR_CHARACTERS: Final = 30
MEGABYTE: Final = 1_000_000


def register(below: argparse._SubParsersAction[argparse.ArgumentParser], detecting: Load) -> None:
    """``detecting``: how a model that detects objects is timed; of others the bare numbers are."""
    models = below.add_parser("models")
    verbs = models.add_subparsers(dest="action", metavar="COMMAND", required=True)
    listing = verbs.add_parser("list", help="models that are shipped with a description, and installed ones")
    listing.set_defaults(run=_list)
    install = verbs.add_parser("install", help="fetch a model, check it, and use it")
    install.add_argument(
        "model", nargs="?", default=DEFAULT_MODEL, help="id, or a manifest of your own (.json)"
    )
    install.add_argument("--file", type=Path, metavar="PATH", help="the model itself, where you fetched it")
    install.add_argument("--no-use", action="store_true", help="keep using the one that is used now")
    install.set_defaults(run=_install)
    use = verbs.add_parser("use", help="look with this installed model from now on")
    use.add_argument("model", help="id")
    use.set_defaults(run=_use)
    check = verbs.add_parser("verify", help="compare installed models with the SHA-256 of their manifests")
    check.set_defaults(run=_verify)
    bench = verbs.add_parser("bench", help="time a model here, from JPEG to objects")
    bench.add_argument("model", nargs="?", help="id (default: the one in use)")
    bench.add_argument("--picture", type=Path, metavar="PATH", help="a JPEG of at most 640 pixels a side")
    bench.add_argument(
        "--seconds", type=seconds(0.5, 600), default=5.0, metavar="SECONDS", help="how long (default 5)"
    )
    bench.set_defaults(run=_bench)
    for verb in (listing, install, use, check, bench):
        verb.add_argument("-c", "--config", metavar="PATH", help="vigilar.toml")
        verb.add_argument("--version", action="version", version=f"vigilar {__version__}")
        verb.set_defaults(detecting=detecting)


def _list(_options: argparse.Namespace, store: Store, _clock: Clock) -> int:
    installed = {found.manifest.id: found.manifest for found in store.installed()}
    everything = {manifest.id: manifest for manifest in known_manifests()} | installed
    in_use = {store.in_use(task) for task in Task}
    for model_id, manifest in sorted(everything.items()):
        state = (
            "in use"
            if model_id in in_use and model_id in installed
            else "installed"
            if model_id in installed
            else "-"
        )
        size = sum(file.size_bytes for file in manifest.files) / MEGABYTE
        print(
            f"{model_id:28} {state:10} {size:7.1f} MB  {manifest.licence:14} {manifest.task:12} {manifest.title}"
        )
    return 0


def _wanted(name: str) -> Manifest:
    if name.endswith(".json"):
        return read_manifest(Path(name))
    for manifest in known_manifests():
        if manifest.id == name:
            return manifest
    known = ", ".join(manifest.id for manifest in known_manifests())
    raise ModelError(
        f'there is no description of a model "{name}" here; known: {known}, or give a manifest (.json)'
    )


def _install(options: argparse.Namespace, store: Store, _clock: Clock) -> int:
    from vigilar_models.fetch import fetch

    manifest = _wanted(options.model)
    print(f"{manifest.id}: {manifest.title}\nlicence: {manifest.licence}  {manifest.origin}")
    store.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=store.root) as folder:
        files = fetch(manifest, Path(folder), options.file, _progress)
        found = store.put(manifest, files)
    if not options.no_use:
        store.use(manifest.id)
    print(f"{manifest.id} is installed in {found.folder}" + ("" if options.no_use else " and in use"))
    return 0


def _use(options: argparse.Namespace, store: Store, _clock: Clock) -> int:
    verify(store.get(options.model))
    store.use(options.model)
    print(f"{options.model} is in use; the service that looks with it takes it over within seconds")
    return 0


def _verify(_options: argparse.Namespace, store: Store, _clock: Clock) -> int:
    bad = count = 0
    for path in sorted(store.root.glob("*/manifest.json")):
        count += 1
        try:
            verify(store.get(path.parent.name), _progress)
        except ModelError as error:
            bad += 1
            print(f"{path.parent.name}: {error}")
        else:
            print(f"{path.parent.name}: as its manifest says")
    if not count:
        print(f"no model is installed in {store.root}")
    return 1 if bad or not count else 0


def _bench(options: argparse.Namespace, store: Store, clock: Clock) -> int:
    from vigilar_models.timing import measure, plain

    found: Installed = store.get(options.model or store.in_use())
    verify(found)
    picture = options.picture.read_bytes() if options.picture else None
    print("threads   ms per crop (median, p95)   crops/s")
    load: Load = options.detecting if found.manifest.task is Task.DETECT else plain
    for line in measure(found, load, picture, options.seconds, clock):
        print(f"{line.workers:7}   {line.median_ms:12.1f} {line.p95_ms:12.1f}   {line.per_s:7.1f}")
    return 0


def _progress(name: str, done_bytes: int, all_bytes: int) -> None:
    if not sys.stderr.isatty():
        return
    filled = BAR_CHARACTERS * done_bytes // max(1, all_bytes)
    bar = "█" * filled + "·" * (BAR_CHARACTERS - filled)
    end = "\n" if done_bytes >= all_bytes else ""
    sys.stderr.write(
        f"\r{name:24.24} {bar} {done_bytes / MEGABYTE:7.1f} of {all_bytes / MEGABYTE:.1f} MB{end}"
    )
    sys.stderr.flush()
