"""`make bench`: run the benchmarks, on a fresh server in a temporary folder."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import billing, bulk, documents, ingest, pages, usage, wallets


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rows and repetitions; figures are rougher")
    parser.add_argument("--folder", type=Path, help="where the temporary data folder is made; it should be on a real disk")
    kinds = ("ingest", "bulk", "usage", "wallets", "billing", "pages", "documents")
    parser.add_argument("--only", choices=kinds, help="run one benchmark instead of all")
    parser.add_argument("--events", type=int, nargs="+", help="numbers of events that current usage is read with")
    parser.add_argument("--subscriptions", type=int, help="how many subscriptions are read together")
    parser.add_argument("--due", type=int, nargs="+", help="numbers of subscriptions that are due at once")
    parser.add_argument("--workers", type=int, nargs="+", help="numbers of workers that bill them")
    options = parser.parse_args()
    month = billing.QUICK if options.quick else billing.WHOLE
    month = month._replace(subscriptions=tuple(options.due or month.subscriptions), workers=tuple(options.workers or month.workers))
    read = usage.QUICK if options.quick else usage.WHOLE
    read = read._replace(events=options.events or read.events, subscriptions=options.subscriptions or read.subscriptions)
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="daycount-benchmark-") as folder:
        if options.only in (None, "ingest"):
            ingest.run(Path(folder) / "ingest", size=ingest.QUICK if options.quick else ingest.WHOLE)
        if options.only in (None, "bulk"):
            bulk.run(Path(folder) / "bulk", size=bulk.QUICK if options.quick else bulk.WHOLE)
        if options.only in (None, "wallets"):
            wallets.run(Path(folder) / "wallets", size=read)
        if options.only in (None, "usage"):
            usage.run(Path(folder) / "usage", size=read)
        if options.only in (None, "billing"):
            billing.run(Path(folder) / "billing", size=month)
        if options.only in (None, "pages"):
            pages.run(Path(folder) / "pages", size=pages.QUICK if options.quick else pages.WHOLE)
        if options.only in (None, "documents"):
            documents.run(size=documents.QUICK if options.quick else documents.WHOLE)


if __name__ == "__main__":
    main()
