"""Wiring of the pets service."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final

from vigilar_common import memory
from vigilar_common.config.slices import Slice
from vigilar_common.errors import FileDamagedError, StartupError, StorageRefusedError, StorageUnavailableError
from vigilar_common.messages.detection import ObjectDetected, TrackLease
from vigilar_common.messages.objects import ObjectLeft
from vigilar_common.messages.pets import PetsState
from vigilar_common.messages.sensor import SensorReading
from vigilar_common.object_kinds import Kind
from vigilar_common.service import App, Context
from vigilar_common.state_file import StateFile
from vigilar_common.topics import CMD_PETS, FACT_TOPICS, PETS_LEASE, PETS_STATE, TRACK_CROP

from vigilar_pets.findings import findings

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

    from vigilar_pets.adapters.looks import Looks
    from vigilar_pets.adapters.vault import Vault
    from vigilar_pets.household import Household
    from vigilar_pets.identify import Identifier
    from vigilar_pets.watch import Watch

log = logging.getLogger("vigilar.pets.service")

LEASE_EVERY_S: Final = 4.0
LEASE_S: Final = 12.0
STATE_FILE: Final = "household.json"


class PetsService:
    """While `[pets] enabled` is off it neither loads nor subscribes to anything."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.pets
        self._looks: Looks | None = None
        self._problem = "the model is being loaded"
        self._stamp: object = None
        self._parts: tuple[Vault, Household, Watch, Identifier] | None = None
        self._started = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pets", daemon=True)
        context.health.live_when("pets", self._dead)

    def start(self) -> None:
        context = self._context
        self._started = True
        if not self._settings.enabled:  # in containers it runs all the same
            context.bus.set_state(PETS_STATE, PetsState(enabled=False))
            return
        from vigilar_pets.adapters.vault import Vault
        from vigilar_pets.desk import Desk
        from vigilar_pets.household import Household
        from vigilar_pets.identify import Identifier
        from vigilar_pets.watch import Watch

        vault = Vault(context.state_dir)
        household = Household(vault, StateFile(context.state_dir / STATE_FILE), context.facts, context.clock)
        try:
            household.load()
        except (OSError, FileDamagedError) as error:
            raise StartupError(f"what is known of pets cannot be read: {error}") from error
        watch = Watch(
            household=household, bus=context.bus, facts=context.facts, clock=context.clock, config=context.config
        )  # fmt: skip
        identifier = Identifier(
            household=household, vault=vault, facts=context.facts, clock=context.clock, config=context.config,
            sighted=watch.sighted,
        )  # fmt: skip
        identifier.wake = self._wake
        self._parts = vault, household, watch, identifier
        context.health.measure(self._metrics)
        desk = Desk(household, vault, lambda: self._looks, self._changed)
        bus = context.bus
        bus.subscribe(TRACK_CROP, identifier.on_crop)
        bus.subscribe(CMD_PETS, desk.on_command)
        for kind in (ObjectDetected.TYPE, ObjectLeft.TYPE):
            bus.subscribe(FACT_TOPICS[kind], identifier.on_object)
        bus.subscribe(FACT_TOPICS[SensorReading.TYPE], identifier.on_reading)
        bus.on_connect(self._wake.set)
        self._thread.start()

    def stop(self) -> None:
        self._context.stopping.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(3)

    def not_ready_reason(self) -> str:
        """A model that is missing is a finding, not a service that is not ready."""
        return "" if self._started else "starting"

    def reload(self, new: Slice) -> bool:
        if new.config.pets.enabled != self._settings.enabled:
            return False
        self._settings = new.config.pets
        if self._parts is not None:
            self._parts[2].configure(new.config)
            self._parts[3].configure(new.config)
        return True

    def heartbeat_detail(self) -> dict[str, Any]:
        if self._parts is None:
            return {"enabled": False}
        _, household, watch, identifier = self._parts
        told = [
            finding.model_dump(mode="json")
            for finding in findings(self._problem, household.pets, household.gallery)
        ]
        return {
            "enabled": True,
            "model": watch.model_id,
            "pets": len(household.pets),
            "work": {**identifier.counters, "took_ms": round(identifier.took_ms, 1)},
            "findings": told,
        }

    # -- one thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        stopping, clock = self._context.stopping, self._context.clock
        next_s = clock.monotonic_s()
        while not stopping.is_set():
            self._wake.clear()
            try:
                assert self._parts is not None
                self._parts[3].step(self._looks)
                if clock.monotonic_s() >= next_s:
                    next_s = clock.monotonic_s() + LEASE_EVERY_S
                    self._slow()
            except Exception as error:
                log.exception("the pets service failed; tried again in %g s", LEASE_EVERY_S)
                self._problem = f"internal error: {type(error).__name__}"
                clock.wait(stopping, 1.0)
            clock.wait(self._wake, max(0.05, next_s - clock.monotonic_s()))

    def _slow(self) -> None:
        """Every few seconds: load what is new, look again at a photo, tell what is untold, renew the lease."""
        assert self._parts is not None
        _, household, watch, _ = self._parts
        if household.fresh:
            self._adopt()
        self._load()
        household.tell()
        self._look_again()
        watch.model_id = self._looks.model_id if self._looks else ""
        watch.problem = self._problem
        watch.tick()
        if self._looks is not None and (len(household.gallery) or self._settings.wildlife):
            lease = TrackLease(
                lease_s=LEASE_S, kinds=[Kind.ANIMAL.value], cameras=list(self._settings.cameras)
            )
            self._context.bus.publish(PETS_LEASE, lease)

    def _adopt(self) -> None:
        """Pets and rules that storage knows, where this service never kept any."""
        from vigilar_pets.adopt import from_storage

        assert self._parts is not None
        try:
            pets, rules = from_storage(self._context.storage)
        except StorageUnavailableError as error:
            log.debug("what storage knows of pets is asked again: %s", error)
            return
        except StorageRefusedError as error:
            log.error("what storage knows of pets is not taken over: %s", error)  # noqa: TRY400
            pets, rules = {}, {}
        with self._parts[1].lock:
            if self._parts[1].fresh:
                self._parts[1].adopt(pets, rules)

    def _load(self) -> None:
        from vigilar_models.errors import ModelError
        from vigilar_models.store import Store, models_dir

        from vigilar_pets.adapters.looks import Looks

        folder = models_dir(self._context.state_dir)
        stamp = Store(folder).stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        assert self._parts is not None
        try:
            looks = Looks(folder)
        except (ModelError, OSError) as error:
            if self._looks is None:
                self._problem = str(error)
                log.error("animals are not told apart: %s", error)  # noqa: TRY400
            else:
                log.error("the model that was loaded before stays in use: %s", error)  # noqa: TRY400
            return
        memory.release()
        self._looks, self._problem = looks, ""
        left = self._parts[1].use_model(looks.model_id)
        log.info("%s is in use; %d photos are looked at again", looks.title, len(left))

    def _look_again(self) -> None:
        """Photos that another model had looked at, one after the other; crops come first."""
        assert self._parts is not None
        vault, household, _, identifier = self._parts
        looks = self._looks
        while looks is not None and (left := household.left()) and not self._context.stopping.is_set():
            self._again(vault, household, looks, left[0])
            identifier.step(looks)

    def _again(self, vault: Vault, household: Household, looks: Looks, photo_id: str) -> None:
        from vigilar_models.errors import CropError

        from vigilar_pets.errors import RefusedError

        try:
            # Nothing is no JPEG: a photo that is missing goes the same way as one that is damaged.
            vector, _ = looks.look(vault.picture(photo_id) or b"")
        except (CropError, FileDamagedError, OSError) as error:
            log.error("photo %s is taken out: it %s", photo_id, error)  # noqa: TRY400
            try:
                household.reject(photo_id)
            except RefusedError:
                log.debug("photo %s was taken out meanwhile", photo_id)
            return
        household.looked_at(photo_id, vector, looks.model_id)

    def _changed(self) -> None:
        if self._parts is not None:
            self._parts[2].say()

    def _dead(self) -> str:
        dead = self._thread.ident is not None and not self._thread.is_alive()
        return (
            "the thread that looks at animals has died"
            if dead and not self._context.stopping.is_set()
            else ""
        )

    def _metrics(self) -> Collector:
        from vigilar_pets.metrics import PetsCollector

        assert self._parts is not None
        return PetsCollector(self._parts[3], self._parts[2])


def build(context: Context) -> App:
    return PetsService(context)
