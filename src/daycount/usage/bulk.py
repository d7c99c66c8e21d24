"""
Sending files of events: in large parts, each committed as a whole, through the same door as those of the API.

What is known already is left out and counted; what cannot be accepted goes to an error file and does not hold up the rest.
After each part a small file beside the source says how far it got, so that a run that was interrupted goes on there; whatever was
committed and not noted any more is recognized by its transaction id. Parts are noted in their order.
"""

import csv
import io
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Struct

from daycount import errors
from daycount.usage.ingest import GroupCommit, Outcome, Pending
from daycount.usage.records import IncomingEvent

PART = 5_000
"""Events of one commit."""
LANES = 2
"""Commits under way at once."""
_PROPERTY = "properties."
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DUPLICATE = {"transaction_id": ["value_already_exist"]}
_encoder = msgspec.json.Encoder()

Codes = Mapping[str, Sequence[str]]
Reader = Callable[[bytes], tuple[IncomingEvent | None, Codes]]
"""Reads one event from its JSON: the event, or the codes of what is wrong with it."""

QuickReader = Callable[[Sequence[bytes]], list[IncomingEvent] | None]
"""Reads many events at once where nothing is unusual about any of them; else None."""


class UnreadableFile(errors.DaycountError):
    """A file is of a kind that is not read, or not what its name says. Parquet takes a library that is installed on demand."""

    def __init__(self, path: Path, reason: str = "send NDJSON (.ndjson, .jsonl), CSV (.csv) or Parquet (.parquet)") -> None:
        super().__init__(f"{path.name} cannot be read: {reason}")


class Tally(Struct, kw_only=True):
    """How far a file got: its size when it was begun, bytes and lines done, and what became of them."""

    size: int
    position: int = 0
    lines: int = 0
    sent: int = 0
    known: int = 0
    refused: int = 0


class _Lines(NamedTuple):
    """Lines of a file, blank ones left out, with their numbers and where the last of all ends."""

    numbers: Sequence[int]
    contents: Sequence[bytes]
    last: int
    end: int

    def tell(self, place: int, codes: Codes) -> dict[str, Any]:
        """Say what is wrong with one of them."""
        return {"line": self.numbers[place], "error_details": codes, "event": self.contents[place].decode("utf-8", "replace")}


class _Part(NamedTuple):
    """Lines that were read: the places of those that hold an event, these, and what is wrong with the others."""

    lines: _Lines
    places: Sequence[int]
    events: Sequence[IncomingEvent]
    refused: Sequence[dict[str, Any]]


Commit = Callable[[], Outcome]
"""Waits for a commit and returns what became of it."""


class Sender:
    """Sends one file. `report` is called after each part."""

    def __init__(
        self, commits: GroupCommit, organization_id: UUID, *, read: Reader, read_quickly: QuickReader, report: Callable[[Tally], None]
    ) -> None:
        self._commits = commits
        self._organization_id = organization_id
        self._read = read
        self._read_quickly = read_quickly
        self._report = report

    def send(self, path: Path) -> Tally:
        """
        Send what of a file was not sent before; returns the tally of all of it.

        Raises UnreadableFile for a kind of file that is none of those read, and what the commit raises when the database is not there.
        """
        lines_of = _KINDS.get(path.suffix.lower())
        if lines_of is None:
            raise UnreadableFile(path)
        progress, refused = path.with_name(path.name + ".progress"), path.with_name(path.name + ".errors.ndjson")
        tally = _resume(progress, path.stat().st_size)
        if not tally.position:
            refused.unlink(missing_ok=True)
        for part, commit in self._under_way(lines_of(path, tally)):
            errors_found = self._settle(part, commit, tally)
            if errors_found:
                with refused.open("ab") as file:
                    file.writelines(_encoder.encode(error) + b"\n" for error in errors_found)
            tally.position, tally.lines = part.lines.end, part.lines.last
            progress.write_bytes(_encoder.encode(tally))
            self._report(tally)
        return tally

    def _under_way(self, parts: Iterator[_Lines]) -> Iterator[tuple[_Part, Commit]]:
        """
        Give parts in their order, each with its commit, while the next is read and another one is committed.

        So the database does not wait for the file, nor the file for the database.
        """
        under_way: deque[tuple[_Part, Commit]] = deque()
        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            coming = reader.submit(self._read_next, parts)
            while (part := coming.result()) is not None:
                coming = reader.submit(self._read_next, parts)
                under_way.append((part, self._commit(part.events)))
                if len(under_way) > LANES:
                    yield under_way.popleft()
            yield from under_way

    def _read_next(self, parts: Iterator[_Lines]) -> _Part | None:
        """Read the next part; None at the end."""
        lines = next(parts, None)
        if lines is None:
            return None
        found = self._read_quickly(lines.contents)
        if found is not None:
            return _Part(lines, range(len(found)), found, ())
        refused: list[dict[str, Any]] = []
        places: list[int] = []
        events: list[IncomingEvent] = []
        for place, content in enumerate(lines.contents):
            event, codes = self._read(content)
            if event is None:
                refused.append(lines.tell(place, codes))
            else:
                places.append(place)
                events.append(event)
        return _Part(lines, places, events, refused)

    def _settle(self, part: _Part, commit: Commit, tally: Tally) -> list[dict[str, Any]]:
        """Wait for a part, and commit it again without what is known or refused; returns what goes to the error file."""
        found, places, events = list(part.refused), part.places, part.events
        while events:
            outcome = commit()
            if outcome.error is None:
                tally.sent += len(events)
                break
            if not isinstance(outcome.error, errors.Invalid):
                raise outcome.error
            details: Mapping[str, Any] = outcome.error.details
            for number, codes in details.items():
                if codes == _DUPLICATE:
                    tally.known += 1
                else:
                    found.append(part.lines.tell(places[int(number)], codes))
            left = [number for number in range(len(events)) if str(number) not in details]
            places, events = [places[number] for number in left], [events[number] for number in left]
            commit = self._commit(events)
        tally.refused += len(found)
        return found

    def _commit(self, events: Sequence[IncomingEvent]) -> Commit:
        """Submit events; what is returned waits for what became of them."""
        answers: list[Outcome] = []
        is_done = threading.Event()

        def done(outcome: Outcome) -> None:
            answers.append(outcome)
            is_done.set()

        def wait() -> Outcome:
            is_done.wait()
            return answers[0]

        if events:
            self._commits.submit(Pending(self._organization_id, events, done))
        return wait


def _resume(progress: Path, size: int) -> Tally:
    """Return where to go on: at the beginning, unless the file has grown or stayed as it was since the last run."""
    try:
        known = msgspec.json.decode(progress.read_bytes(), type=Tally)
    except (OSError, msgspec.MsgspecError):
        return Tally(size=size)
    return Tally(size=size) if known.size > size else msgspec.structs.replace(known, size=size)


def _json_lines(path: Path, tally: Tally) -> Iterator[_Lines]:
    with path.open("rb") as file:
        file.seek(tally.position)
        number, end = tally.lines, tally.position
        while found := list(islice(file, PART)):
            numbers: Sequence[int] = range(number + 1, number + 1 + len(found))
            number, end = number + len(found), end + sum(map(len, found))
            contents = list(map(bytes.strip, found))
            if not all(contents):
                numbers = [line for line, content in zip(numbers, contents, strict=True) if content]
                contents = list(filter(None, contents))
            yield _Lines(numbers, contents, number, end)


def _gather(lines: Iterator[tuple[int, int, bytes]]) -> Iterator[_Lines]:
    """Put lines together, each given with its number and where it ends."""
    while part := list(islice(lines, PART)):
        numbers, ends, contents = zip(*part, strict=True)
        yield _Lines(numbers, contents, numbers[-1], ends[-1])


def _csv_lines(path: Path, tally: Tally) -> Iterator[tuple[int, int, bytes]]:
    """Read rows under a heading; `properties.NAME` is one property, `properties` an object as JSON. Positions count rows here."""
    with path.open("rb") as file:
        rows = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""))
        for number, row in enumerate(rows, 2):
            if number > tally.lines:
                yield number, file.tell(), _event_of(row)


def _parquet_rows(path: Path, tally: Tally) -> Iterator[tuple[int, int, bytes]]:
    """Read rows; columns are named as in CSV, or `properties` is a struct or an object as JSON. Positions count rows here."""
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError as error:
        raise UnreadableFile(path, "Parquet needs pyarrow; install daycount[export]") from error
    try:
        with parquet.ParquetFile(path) as file:
            whole = max(file.metadata.num_rows, 1)
            rows = chain.from_iterable(batch.to_pylist() for batch in file.iter_batches(batch_size=PART))
            for number, row in enumerate(rows, 1):
                if number > tally.lines:
                    shown = {name: _plain(value) for name, value in row.items()}
                    yield number, tally.size * number // whole, _event_of(shown)
    except ValueError as error:  # what pyarrow raises for a file that is none
        raise UnreadableFile(path, str(error)) from error


def _plain(value: Any) -> Any:
    """Write a value as an event of the API holds it: instants as Unix seconds, decimals as text, nothing where there is none."""
    match value:
        case datetime():
            instant = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            micros = (instant - _EPOCH) // timedelta(microseconds=1)
            return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"
        case Decimal():
            return format(value, "f")
        case dict():
            return {name: _plain(item) for name, item in value.items() if item is not None}
        case _:
            return value


def _event_of(row: Mapping[str | None, Any]) -> bytes:
    event: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name, value in row.items():
        if name is None or value in (None, ""):
            continue
        if name.startswith(_PROPERTY):
            properties[name.removeprefix(_PROPERTY)] = value
        elif name == "properties" and isinstance(value, str):
            event[name] = msgspec.Raw(value.encode())
        else:
            event[name] = value
    return _encoder.encode(event | ({"properties": properties} if properties else {}))


_KINDS: Mapping[str, Callable[[Path, Tally], Iterator[_Lines]]] = {
    ".ndjson": _json_lines,
    ".jsonl": _json_lines,
    ".csv": lambda path, tally: _gather(_csv_lines(path, tally)),
    ".parquet": lambda path, tally: _gather(_parquet_rows(path, tally)),
}
