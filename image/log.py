"""A FileStorage's file as what it is: a log of transactions, read byte by byte.

Each transaction is a header (time, length, status), its records, and its length again. Nothing here writes.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator

from ZODB.FileStorage.format import DATA_HDR, DATA_HDR_LEN, TRANS_HDR, TRANS_HDR_LEN


def whole_transaction(handle: int, pos: int, end: int) -> int | None:
    """The length on disk of the finished transaction at ``pos``; None if there is no such thing."""
    header = os.pread(handle, TRANS_HDR_LEN, pos)
    if len(header) < TRANS_HDR_LEN:
        return None
    _, length, status, user, description, extension = struct.unpack(TRANS_HDR, header)
    if status not in (b" ", b"p", b"u") or length < TRANS_HDR_LEN + user + description + extension:
        return None
    if pos + length + 8 > end or os.pread(handle, 8, pos + length) != header[8:16]:
        return None
    return int(length) + 8


def was_finished(handle: int, pos: int, end: int) -> bool:
    """Was what begins at ``pos`` and ends with the file a transaction once, and its beginning is spoilt? A commit that
    was torn has a header that says so (``c``), or no end; after a power cut a header of zeros."""
    header = os.pread(handle, TRANS_HDR_LEN, pos)
    tail = os.pread(handle, 8, end - 8)
    if end - pos < TRANS_HDR_LEN + 8 or int.from_bytes(tail, "big") != end - 8 - pos:
        return False
    return header[16:17] != b"c" and any(header)


def walk(handle: int, end: int) -> Iterator[tuple[int, str]]:
    """Every transaction of a file, of all times: where it is, and what is wrong with it ("" for nothing)."""
    pos, last = 4, b""
    while pos < end:
        length = whole_transaction(handle, pos, end)
        if length is None:
            yield pos, "it does not read as a transaction"
            after = _next_transaction(handle, pos + 1, end, last)
            if after is None:
                return
            pos = after
            continue
        tid = os.pread(handle, 8, pos)
        yield pos, "it is older than the one before it" if tid <= last else _record_flaw(handle, pos, length)
        last = tid
        pos += length


def _record_flaw(handle: int, pos: int, length: int) -> str:
    """What is wrong with the records of a whole transaction."""
    user, description, extension = struct.unpack(">HHH", os.pread(handle, 6, pos + 17))
    here = pos + TRANS_HDR_LEN + user + description + extension
    stop = pos + length - 8
    while here < stop:
        header = os.pread(handle, DATA_HDR_LEN, here)
        if len(header) < DATA_HDR_LEN:
            return f"its record at byte {here:,} is cut off"
        _, _, before, transaction, _, size = struct.unpack(DATA_HDR, header)
        if transaction != pos or before >= here or here + DATA_HDR_LEN + (size or 8) > stop:
            return f"its record at byte {here:,} does not read as one"
        here += DATA_HDR_LEN + (size or 8)
    return ""


def any_transaction(handle: int, pos: int, end: int, last: bytes) -> int | None:
    """Where a finished transaction begins at ``pos`` or after; None if nowhere. Looks at the end of the file first,
    since that is where a whole one stands if the damage is in the middle."""
    tail = os.pread(handle, 8, end - 8) if end - 8 >= pos else b""
    if len(tail) == 8:
        start = end - 8 - int.from_bytes(tail, "big")
        if start >= pos and _is_transaction(handle, start, end, last):
            return start
    return _next_transaction(handle, pos, end, last)


def _next_transaction(handle: int, pos: int, end: int, last: bytes) -> int | None:
    """Where the next finished transaction begins, at ``pos`` or after, later in time than ``last``; None if nowhere.

    Every byte is a candidate; one that has a status byte in the right place is read as a header.
    """
    step = 1 << 20
    while pos < end:
        # A header that begins in this piece may end in the next: read so much further.
        piece = os.pread(handle, step + TRANS_HDR_LEN, pos)
        for match in _HEADER.finditer(piece):
            if match.start() < step and _is_transaction(handle, pos + match.start(), end, last):
                return pos + match.start()
        pos += step
    return None


# tid, length (its upper two bytes are zero below 256 TiB), status: what a header cannot do without. A lookahead, so
# that overlapping candidates are all seen.
_HEADER = re.compile(rb"(?=.{8}\x00\x00.{6}[ pu])", re.DOTALL)


def _is_transaction(handle: int, pos: int, end: int, last: bytes) -> bool:
    length = whole_transaction(handle, pos, end)
    if length is None or os.pread(handle, 8, pos) <= last:
        return False
    # Its first record must say that it belongs to this transaction: 8 bytes of position at 24 of the record header.
    user, description, extension = struct.unpack(">HHH", os.pread(handle, 6, pos + 17))
    first = pos + TRANS_HDR_LEN + user + description + extension
    return first == pos + length - 8 or os.pread(handle, 8, first + 24) == pos.to_bytes(8, "big")
