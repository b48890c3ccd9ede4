"""git-data: a data registry with nothing but Git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .api import File, diff, forget, get, import_, list, open, read, update

__all__ = ["File", "diff", "forget", "get", "import_", "list", "open", "read", "update"]


def __getattr__(name: str) -> Any:
    """The Python face is loaded when it is used: Git starts the filter often."""
    if name in __all__:
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> Any:
    return [*globals(), *__all__]
