"""git-data: a data registry with nothing but Git."""

__version__ = "0.1.0"
