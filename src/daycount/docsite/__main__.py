"""Writes the documents as files: `python -m daycount.docsite FOLDER`."""

import sys
from pathlib import Path

from daycount.docsite.building import build


def main() -> None:
    """Write the site into the folder that the command line names."""
    build(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
