"""What the owner should know of the pets service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vigilar_common.messages.alarm import Severity
from vigilar_common.messages.system import Finding

if TYPE_CHECKING:
    from vigilar_pets.domain.gallery import Gallery
    from vigilar_pets.household import Pet


def findings(problem: str, pets: Mapping[str, Pet], gallery: Gallery) -> list[Finding]:
    found = []
    if problem:
        found.append(
            Finding(
                code="pets_model", severity=Severity.ALERT, title=f"Pets are not told apart: {problem}"[:500],
                cure="Install the model: vigilar models install efficientnet-lite0.",
            )
        )  # fmt: skip
    if pets and not len(gallery) and not problem:
        found.append(
            Finding(
                code="pets_unlearnt", severity=Severity.INFO, title="No pet has been learnt yet",
                cure="Add a few photos of each on the page Pets, then learn from them.",
            )
        )  # fmt: skip
    return found
