"""Reading fragmented MP4 (ISO/IEC 14496-12) as it arrives: codecs, fragments, box borders.

No decoder is involved; sizes, depths and counts that a hostile file could inflate are bounded.
"""

from vigilar_common.fmp4.boxes import BoxScanner, Fmp4Error, TopBox, free_box
from vigilar_common.fmp4.clip import from_zero
from vigilar_common.fmp4.index import Fragment, FragmentIndex, Track

__all__ = ["BoxScanner", "Fmp4Error", "Fragment", "FragmentIndex", "TopBox", "Track", "free_box", "from_zero"]
