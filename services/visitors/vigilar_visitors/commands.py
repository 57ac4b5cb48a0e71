"""What people ask for: a name, an enrolment, merging, splitting, forgetting, a picture."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from vigilar_common.clock import Clock, uuid7
from vigilar_common.errors import VigilarError
from vigilar_common.messages.visitors import (
    MAX_PHOTO_BYTES,
    FaceProfilesMerged,
    FaceProfileSplit,
    VisitorAction,
    VisitorsCommand,
)

from vigilar_visitors.domain.faces import Fault
from vigilar_visitors.domain.gallery import Person

if TYPE_CHECKING:
    from vigilar_common.outbox import FactLog

    from vigilar_visitors.adapters.crops import Crops
    from vigilar_visitors.recognising import Recognising

log = logging.getLogger("vigilar.visitors.commands")

Data = dict[str, Any]
FAULTS: Final = {
    Fault.SMALL: "the face is too small",
    Fault.BLURRED: "the face is not sharp",
    Fault.TURNED: "the face looks away",
    Fault.CUT: "the face is cut off",
}


class RefusedError(VigilarError):
    """What was asked for is not done; `code` is for programs, the text for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Commands:
    """Called by the thread that recognises."""

    def __init__(
        self, recognising: Recognising, facts: FactLog, crops: Crops, clock: Clock, least_px: int
    ) -> None:
        self._known, self._facts, self._crops, self._clock, self._least_px = (
            recognising,
            facts,
            crops,
            clock,
            least_px,
        )
        self._actions: dict[VisitorAction, Callable[[VisitorsCommand], Data]] = {
            VisitorAction.SAVE: self._save,
            VisitorAction.ENROL: self._enrol,
            VisitorAction.MERGE: self._merge,
            VisitorAction.SPLIT: self._split,
            VisitorAction.FORGET: self._forget,
            VisitorAction.FACES: self._faces,
            VisitorAction.PICTURE: self._picture,
        }

    def carry_out(self, command: VisitorsCommand) -> Data:
        """Raises RefusedError, and what writing raises (OSError, OutboxFullError, sqlite3.Error)."""
        done = self._actions[command.action](command)
        if command.action not in (VisitorAction.FACES, VisitorAction.PICTURE):
            # Nobody's name: a log outlives who is forgotten.
            log.info("%s of a person known by face, by %s", command.action, command.user or "nobody named")
        return done

    def _person(self, profile_id: str | None) -> Person:
        person = self._known.gallery.people.get(profile_id or "")
        if person is None:
            raise RefusedError("not_found", "That person is not known any more.")
        return person

    def _save(self, command: VisitorsCommand) -> Data:
        person = self._person(command.profile_id)
        name = _plain(command.name)
        self._known.save(replace(person, name=name, household=command.household, ignored=command.ignored))
        return {"profile_id": person.profile_id}

    def _enrol(self, command: VisitorsCommand) -> Data:
        person = self._person(command.profile_id) if command.profile_id else None
        name = _plain(command.name)
        if person is None and not name:
            raise RefusedError("no_name", "A new person needs a name.")
        seen = self._one_face(command.photo)
        if person is None:
            now_ms = self._clock.now_ms()
            person = Person(uuid7(self._clock), now_ms, now_ms, name, command.household, command.ignored)
            self._known.save(person)
        embedding_id = self._known.add_sample(person.profile_id, seen.vector, seen.quality.share, seen.crop)
        if not embedding_id:
            raise RefusedError("not_better", "Better pictures of this person are kept already.")
        return {"profile_id": person.profile_id, "embedding_id": embedding_id, "quality": seen.quality.share}

    def _one_face(self, photo: str) -> Any:
        """Of a photo with one usable face. Raises RefusedError saying what is wrong with it."""
        if len(photo) > MAX_PHOTO_BYTES * 4 // 3 + 4:
            raise RefusedError("too_large", f"A photo may have {MAX_PHOTO_BYTES // 1000} kB at most.")
        try:
            jpeg = base64.b64decode(photo, validate=True)
            found = self._known.looker.look(jpeg, self._least_px)
        except (binascii.Error, VigilarError) as error:
            raise RefusedError("bad_photo", f"The photo cannot be used: {error}."[:400]) from error
        usable = [seen for seen in found if seen.vector is not None]
        if not found:
            raise RefusedError("no_face", "There is no face in this photo.")
        if not usable:
            fault = found[0].quality.fault
            raise RefusedError(
                "poor_face", f"In this photo {FAULTS[fault] if fault else 'no face can be used'}."
            )
        if len(usable) > 1:
            raise RefusedError(
                "many_faces", f"{len(usable)} faces are in this photo: take one of a single person."
            )
        return usable[0]

    def _merge(self, command: VisitorsCommand) -> Data:
        going, into = self._person(command.profile_id), self._person(command.into_id)
        if going.profile_id == into.profile_id:
            raise RefusedError("same", "These are one person already.")
        self._facts.emit(FaceProfilesMerged(profile_id=going.profile_id, into_id=into.profile_id))
        second = self._known.visits.merge(going.profile_id, into.profile_id)
        if second is not None:
            self._known.end_visit(second)
        self._known.moved(going.profile_id, into.profile_id)
        self._known.remove_samples(self._known.gallery.merge(going.profile_id, into.profile_id))
        if going.name and not into.name:  # the one who had a name keeps it
            into = replace(into, name=going.name, household=going.household)
        merged = self._known.gallery.people[into.profile_id]
        self._known.save(replace(merged, name=into.name, household=into.household, ignored=into.ignored))
        return {"profile_id": into.profile_id}

    def _split(self, command: VisitorsCommand) -> Data:
        person = self._person(command.profile_id)
        mine = {sample.embedding_id: sample for sample in self._known.gallery.samples(person.profile_id)}
        wanted = list(dict.fromkeys(command.embedding_ids))
        if not wanted or not set(wanted) <= set(mine):
            raise RefusedError("not_found", "Choose faces of this person that are another one's.")
        if len(wanted) == len(mine):
            raise RefusedError("all", "All faces were chosen: give the person another name instead.")
        fresh = Person(uuid7(self._clock), person.first_seen_ms, person.last_seen_ms, _plain(command.name))
        self._known.save(fresh)
        self._facts.emit(
            FaceProfileSplit(
                profile_id=person.profile_id, into_id=fresh.profile_id, embedding_ids=wanted,
                visit_ids=command.visit_ids,
            )
        )  # fmt: skip
        self._known.gallery.split(person.profile_id, wanted, fresh)
        visit = self._known.visits.of(person.profile_id)
        if visit is not None and visit.visit_id in command.visit_ids:
            self._known.visits.drop(person.profile_id)
            visit.profile_id = fresh.profile_id
            self._known.visits.began(visit)
            self._known.moved(person.profile_id, fresh.profile_id)
        self._known.told()
        return {"profile_id": fresh.profile_id}

    def _forget(self, command: VisitorsCommand) -> Data:
        """Also of a person whom only storage knows: whoever asks twice is not refused."""
        if command.profile_id is None:
            raise RefusedError("not_found", "That person is not known any more.")
        self._known.forget(command.profile_id)
        return {"profile_id": command.profile_id}

    def _faces(self, command: VisitorsCommand) -> Data:
        person = self._person(command.profile_id)
        samples = self._known.gallery.samples(person.profile_id)
        return {"faces": [{"embedding_id": one.embedding_id, "quality": one.quality} for one in samples]}

    def _picture(self, command: VisitorsCommand) -> Data:
        """Of the embedding that is named, else the best of the profile."""
        ids = command.embedding_ids[:1]
        if not ids:
            samples = self._known.gallery.samples(self._person(command.profile_id).profile_id)
            ids = [one.embedding_id for one in samples[:1]]
        try:
            crop = self._crops.get(ids[0]) if ids else None
        except VigilarError as error:
            raise RefusedError("damaged", str(error)) from error
        if crop is None:
            raise RefusedError("not_found", "There is no picture of this face.")
        return {"jpeg": base64.b64encode(crop.jpeg).decode()}


def _plain(name: str) -> str:
    """Without blanks around it; raises RefusedError for control characters."""
    name = " ".join(name.split())
    if not name.isprintable():
        raise RefusedError("bad_name", "A name has no control characters.")
    return name
