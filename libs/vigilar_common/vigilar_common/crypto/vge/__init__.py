"""The `.vge` file: encrypted, authenticated, readable by range and while it grows.

``VgeWriter`` writes, ``VgeReader`` reads, ``verify_file`` checks, ``recover`` closes what a dead writer left, and
``V1Reader`` reads the older form. The format is described in docs/reference/vge.md.
"""

from vigilar_common.crypto.vge.errors import (
    ChunkDamagedError,
    FooterDamagedError,
    HeaderDamagedError,
    WriterAliveError,
)
from vigilar_common.crypto.vge.footer import Footer, FooterState
from vigilar_common.crypto.vge.header import CHUNK_BYTES, HEADER_BYTES, FileKind, Header, Suite
from vigilar_common.crypto.vge.legacy import V1Reader
from vigilar_common.crypto.vge.reader import VgeReader
from vigilar_common.crypto.vge.recover import RecoveredInfo, recover
from vigilar_common.crypto.vge.verify import Verdict, VerdictState, verify, verify_file
from vigilar_common.crypto.vge.writer import CHUNK_MAX_AGE_S, FinishedFile, VgeWriter, write_whole

__all__ = [
    "CHUNK_BYTES",
    "CHUNK_MAX_AGE_S",
    "HEADER_BYTES",
    "ChunkDamagedError",
    "FileKind",
    "FinishedFile",
    "Footer",
    "FooterDamagedError",
    "FooterState",
    "Header",
    "HeaderDamagedError",
    "RecoveredInfo",
    "Suite",
    "V1Reader",
    "Verdict",
    "VerdictState",
    "VgeReader",
    "VgeWriter",
    "WriterAliveError",
    "recover",
    "verify",
    "verify_file",
    "write_whole",
]
