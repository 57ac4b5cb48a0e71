"""Every line of an ACL broken in every way that a slip would break it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PATTERNS = "patterns"
"""The owner of the lines that hold for every user."""


EQUIVALENT = {
    # made readwrite, but what it may then read its owner reads already, by the line named here
    ("events", "topic write vigilar/events/available"): "topic read vigilar/+/available",
    ("health", "topic write vigilar/health/available"): "topic read vigilar/+/available",
    ("health", "topic write vigilar/heartbeat/health"): "topic read vigilar/heartbeat/+",
    ("health", "topic write vigilar/system/outbox-gap/health"): "topic read vigilar/system/outbox-gap/+",
    ("alerts", "topic write vigilar/system/event/alerts"): "topic read vigilar/system/event/+",
    ("web", "topic write vigilar/heartbeat/web"): "topic read vigilar/heartbeat/+",
    ("web", "topic write vigilar/system/event/web"): "topic read vigilar/system/event/+",
    ("web", "topic write vigilar/web/available"): "topic read vigilar/+/available",
    ("homeassistant", "topic write vigilar/homeassistant/available"): "topic read vigilar/+/available",
    ("home_automation", "topic write homeassistant/status"): "topic read homeassistant/#",
}
"""Mutants that change nothing: no test could tell them from the right ACL."""


@dataclass(frozen=True)
class Line:
    owner: str
    text: str


@dataclass(frozen=True)
class Mutant:
    """The line at `at` reads `text` (nothing: dropped) and stands with `owner`."""

    at: int
    was: Line
    how: str
    owner: str
    text: str

    @property
    def users(self) -> set[str]:
        return {self.was.owner, self.owner}

    def __str__(self) -> str:
        return f"{self.was.owner}: {self.was.text!r} {self.how}" + (
            f" -> {self.owner}: {self.text!r}" if self.text else ""
        )


def lines(acl: str) -> list[Line]:
    """Who may do what. Raises ValueError for a line that is neither comment, user, topic nor pattern."""
    found, owner = [], PATTERNS
    for text in acl.splitlines():
        if text.startswith("user "):
            owner = text.removeprefix("user ")
        elif text.startswith(("topic ", "pattern ")):
            found.append(Line(PATTERNS if text.startswith("pattern ") else owner, text))
        elif text and not text.startswith("#"):
            raise ValueError(f"not a line of an ACL: {text!r}")
    return found


def mutants(found: list[Line]) -> list[Mutant]:
    """Dropped, widened to everything, with the other right too, with an id widened, and given to somebody else.

    Without those of EQUIVALENT, as long as the line that makes them so is there.
    """
    owners = list(dict.fromkeys(line.owner for line in found if line.owner != PATTERNS))
    made = []
    for at, line in enumerate(found):
        word, right, path = line.text.split(" ", 2)
        ways = [("dropped", ""), ("widened", f"{word} {right} #")]
        if right == "readwrite":
            ways += [("made read", f"{word} read {path}"), ("made write", f"{word} write {path}")]
        elif Line(line.owner, EQUIVALENT.get((line.owner, line.text), "")) not in found:
            ways.append(("made readwrite", f"{word} readwrite {path}"))
        camera = line.owner.removeprefix("camera-worker-")
        wider = re.sub(rf"(?<=/)(%u|{re.escape(line.owner)}|{re.escape(camera)})(?=/|$)", "+", path)
        if wider != path:
            ways.append(("with its id widened", f"{word} {right} {wider}"))
        made += [Mutant(at, line, how, line.owner, text) for how, text in ways]
        if line.owner != PATTERNS:
            other = owners[(owners.index(line.owner) + 1) % len(owners)]
            made.append(Mutant(at, line, "given away", other, line.text))
    return made


def rounds(made: Iterable[Mutant]) -> list[list[Mutant]]:
    """Mutants of different users judged at once: what one user may do hangs on no other user's lines."""
    full: list[tuple[set[str], list[Mutant]]] = []
    for mutant in made:
        if PATTERNS in mutant.users:
            full.append(({PATTERNS}, [mutant]))
            continue
        for users, group in full:
            if PATTERNS not in users and not users & mutant.users:
                users |= mutant.users
                group.append(mutant)
                break
        else:
            full.append((set(mutant.users), [mutant]))
    return [group for _, group in full]


def written(found: list[Line], group: Iterable[Mutant]) -> str:
    """The ACL with these lines mutated."""
    changed = {mutant.at: mutant for mutant in group}
    blocks: dict[str, list[str]] = {PATTERNS: []}
    for at, line in enumerate(found):
        mutant = changed.get(at)
        owner, text = (mutant.owner, mutant.text) if mutant else (line.owner, line.text)
        block = blocks.setdefault(line.owner, [])
        if text:
            block = blocks.setdefault(owner, [])
            block.append(text)
    head = blocks.pop(PATTERNS)
    parts = ["\n\n".join(head), *("\n".join([f"user {user}", *block]) for user, block in blocks.items())]
    return "\n\n".join(parts) + "\n"
