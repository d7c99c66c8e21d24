"""Writes the documents as files: `python -m daycount.docsite FOLDER OPENAPI`, where OPENAPI is what `daycount openapi dump` prints."""

import json
import sys
from pathlib import Path

from daycount.docsite.api import ApiDocument
from daycount.docsite.building import build


def main() -> None:
    """Write the site into the folder that the command line names."""
    folder, document = Path(sys.argv[1]), Path(sys.argv[2])
    build(folder, ApiDocument(lambda: json.loads(document.read_bytes()), address="$DAYCOUNT_URL"))


if __name__ == "__main__":
    main()
