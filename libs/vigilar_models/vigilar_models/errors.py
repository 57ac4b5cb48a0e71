"""What can be wrong with a model and with a crop."""

from __future__ import annotations

from vigilar_common.errors import VigilarError


class ModelError(VigilarError):
    """A model that cannot be used; the text names it and says why."""


class CropError(VigilarError):
    """A crop that is not looked at; the text says why and repeats nothing of it."""
