"""How one stat tells that an object file is as it was when its bytes were verified.

A verified file gets a modification time, from 2001 to 2017, that is computed from its object, size
and inode. Any edit sets another time, any copy has another inode: both break the seal, and the file
is hashed again before it is used. There are two seals:

  LASTING  the bytes were on the disk when it was set: holds for good
  BOOT     the bytes may still be in memory only: holds until the machine starts again

See docs/formats/cache.md, docs/decisions/0002-sealed-cache.md.
"""

from __future__ import annotations

import os
import stat
from functools import lru_cache

from .disk import boot_id
from .oid import hash_bytes

BROKEN, BOOT, LASTING = 0, 1, 2
_START = 1_000_000_000  # 2001-09-09
_STEPS = 250_000_000  # of two seconds: FAT keeps no odd ones
_SIZE, _INODE = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F
_MASK = (1 << 64) - 1


def lasting_seal(oid: bytes, size: int, inode: int) -> int:
    """The modification time in seconds. Part of the format: docs/formats/cache.md."""
    return _time(oid, size, inode, 0)


def _time(oid: bytes, size: int, inode: int, salt: int) -> int:
    mixed = size * _SIZE + inode * _INODE + salt
    word = (int.from_bytes(oid[:8], "little") ^ mixed) & _MASK
    return _START + 2 * (word % _STEPS)


@lru_cache(maxsize=1)
def _boot_salt() -> int:
    return int.from_bytes(hash_bytes(boot_id().encode())[:8], "little") | 1


def read_seal(found: os.stat_result, oid: bytes, size: int) -> int:
    """LASTING or BOOT if this is a verified file of that object, else BROKEN."""
    seconds, rest = divmod(found.st_mtime_ns, 1_000_000_000)
    if rest or found.st_size != size or not stat.S_ISREG(found.st_mode):
        return BROKEN
    if seconds == _time(oid, size, found.st_ino, 0):
        return LASTING
    return BOOT if seconds == _time(oid, size, found.st_ino, _boot_salt()) else BROKEN


def set_seal(file: int | str, oid: bytes, size: int, inode: int, lasting: bool) -> int:
    """Seal an open file or a path whose bytes were verified; its modification time then, in
    nanoseconds. OSError if it is not ours to seal."""
    moment = _time(oid, size, inode, 0 if lasting else _boot_salt()) * 1_000_000_000
    os.utime(file, ns=(moment, moment))
    return moment
