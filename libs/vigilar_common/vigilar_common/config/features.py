"""`[pets]`, `[visitors]` and `[highlights]`: whole subsystems that can be switched."""

from __future__ import annotations

from pydantic import Field

from vigilar_common.config.base import Section


class Pets(Section):
    """Pets and wildlife."""

    enabled: bool = Field(False, title="Enabled", description="Recognise pets and wildlife.")


class Visitors(Section):
    """Faces and visits."""

    enabled: bool = Field(False, title="Enabled", description="Recognise faces and keep a record of visits.")


class Highlights(Section):
    """Reels and timelapses."""

    enabled: bool = Field(True, title="Enabled", description="Make daily reels and timelapses.")
