"""What is a text for a person: to be shown in a diff, or merged by lines."""

from __future__ import annotations

_LOOKED_AT = 1 << 16  # bytes that are looked at for control characters
_CONTROL = bytes(value for value in range(32) if value not in b"\b\t\n\f\r\x1b") + b"\x7f"


def is_text(content: bytes) -> bool:
    """True without NUL anywhere, and without other control characters at the start: noise that
    happens to hold no NUL is no text. Any encoding that keeps ASCII will do."""
    head = content[:_LOOKED_AT]
    return b"\0" not in content and head.translate(None, _CONTROL) == head
