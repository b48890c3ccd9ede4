"""`git data`, `python -m git_data`, and what Git itself starts."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
