"""What goes into models and comes out of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""uint8[height, width, 3], blue, green, red."""
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """How a picture lies in the model's input: its share of the width and the height (1, 1 where it was stretched)."""

    share_x: float = 1.0
    share_y: float = 1.0
