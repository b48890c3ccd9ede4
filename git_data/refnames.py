"""Names of refs, by the rules of `git check-ref-format`, and which of them cannot lie side by side.

They come from a store that anybody may have written, and Git prints them as they are: so control
characters of any kind are refused, those that Git lets pass (U+0080 to U+009F) too. A name is text;
bytes of it that are no UTF-8 are surrogate escapes, as everywhere in Python.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MAX_BYTES = 1000
_PART = r"(?!\.)[^\x00-\x20\x7f-\x9f~^:?*\[\\/]+(?<!\.lock)"
_NAME = re.compile(rf"refs(?:/{_PART})+")
_NEVER = ("..", "@{")


def is_ref_name(name: str) -> bool:
    """True for a full name, `refs/…`, that Git would let one make."""
    return (
        _NAME.fullmatch(name) is not None
        and not name.endswith(".")
        and not any(text in name for text in _NEVER)
        and _is_text(name)
        and len(encode(name)) <= MAX_BYTES
    )


def is_branch(name: str) -> bool:
    return name.startswith("refs/heads/") and is_ref_name(name)


def encode(name: str) -> bytes:
    return name.encode(errors="surrogateescape")


def decode(name: bytes) -> str:
    return name.decode(errors="surrogateescape")


def _is_text(name: str) -> bool:
    """True if this is how its bytes are decoded: nothing is escaped that is text."""
    try:
        return decode(encode(name)) == name
    except UnicodeEncodeError:
        return False


def in_order(names: Iterable[str]) -> list[str]:
    """Sorted as Git sorts refs: by their bytes."""
    return sorted(names, key=encode)


def folders(name: str) -> list[str]:
    """The names that cannot be refs beside this one: Git keeps refs as files, so `refs/heads/a`
    and `refs/heads/a/b` cannot both be."""
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(2, len(parts))]


def have_clash(names: Iterable[str]) -> bool:
    """True when one of the names is a folder of another one."""
    known = set(names)
    return any(folder in known for name in known for folder in folders(name))
