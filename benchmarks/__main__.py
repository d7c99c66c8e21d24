"""`make bench`: run the benchmarks, on a fresh server in a temporary folder."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import ingest


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and repetitions; figures are rougher")
    parser.add_argument("--folder", type=Path, help="where the temporary data folder is made; it should be on a real disk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="daycount-benchmark-") as folder:
        ingest.run(Path(folder) / "data", size=ingest.QUICK if options.quick else ingest.WHOLE)


if __name__ == "__main__":
    main()
