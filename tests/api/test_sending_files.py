"""`daycount events send`: files of events, resumed, without duplicates, with an error file."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from daycount.api.v1.events import read_line, read_plain_lines
from tests.support.server import Api, Server


def send(server: Server, name: str, file: Path) -> subprocess.CompletedProcess[str]:
    """Send a file as its user does."""
    owner = ["--organization", name, "--data-dir", str(server.data_dir), "--json"]
    return subprocess.run(
        [sys.executable, "-m", "daycount", "events", "send", str(file), *owner], capture_output=True, text=True, check=False
    )


def seats(server: Server, name: str) -> Api:
    api = server.organization(name=name)
    api.plan(charges=[api.seat_charge(api.metric())])
    api.customer()
    api.subscribe()
    return api


def line(transaction_id: str, **fields: Any) -> str:
    event = {
        "transaction_id": transaction_id,
        "code": "seats",
        "external_subscription_id": "sub",
        "properties": {"user_id": transaction_id},
    }
    return json.dumps(event | fields) + "\n"


def test_a_file_is_sent_and_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    api = seats(server, "Files by lines")
    api.event("ada", user_id="ada")
    file = tmp_path / "events.ndjson"
    file.write_text(line("ada") + line("ben") + "\n" + line("cyd", timestamp="soon") + "{\n" + line("ben"))

    first = send(server, "Files by lines", file)
    with file.open("a") as more:
        more.write(line("dan"))
    second = send(server, "Files by lines", file)

    assert json.loads(first.stdout) == {"lines": 6, "sent": 1, "already_known": 2, "refused": 2}
    assert first.returncode == 5
    refused = [json.loads(text) for text in (tmp_path / "events.ndjson.errors.ndjson").read_text().splitlines()]
    assert [(item["line"], item["error_details"]) for item in refused] == [
        (4, {"timestamp": ["invalid_format"]}),
        (5, {"base": ["invalid_format"]}),
    ]
    assert json.loads(second.stdout) == {"lines": 7, "sent": 2, "already_known": 2, "refused": 2}
    assert sorted(event["transaction_id"] for event in api.ok("GET", "/events")["events"]) == ["ada", "ben", "dan"]
    assert api.usage()["charges_usage"][0]["units"] == "3.0"


def test_a_table_is_sent(server: Server, tmp_path: Path) -> None:
    api = seats(server, "Files by commas")
    file = tmp_path / "events.csv"
    file.write_text(
        "transaction_id,code,external_subscription_id,timestamp,properties.user_id,properties.note\n"
        'a,seats,sub,1782950400,ada,"one, two"\n'
        "b,seats,sub,,ben,\n"
    )

    done = send(server, "Files by commas", file)

    assert (done.returncode, json.loads(done.stdout)) == (0, {"lines": 3, "sent": 2, "already_known": 0, "refused": 0})
    assert api.ok("GET", "/events/a")["event"]["properties"] == {"user_id": "ada", "note": "one, two"}
    assert api.ok("GET", "/events/a")["event"]["timestamp"] == "2026-07-02T00:00:00.000Z"
    assert send(server, "Files by commas", file).returncode == 0
    assert api.ok("GET", "/events")["meta"]["total_count"] == 2


def test_a_parquet_file_is_sent_exactly(server: Server, tmp_path: Path) -> None:
    api = seats(server, "Files by columns")
    file = tmp_path / "events.parquet"
    columns = {
        "transaction_id": ["a", "b", "c"],
        "code": ["seats"] * 3,
        "external_subscription_id": ["sub"] * 3,
        "timestamp": [datetime(2026, 7, 2, 0, 0, 0, 250_000, tzinfo=UTC), None, None],
        "precise_total_amount_cents": [Decimal("12.345"), None, None],
        "properties": [{"user_id": "ada", "size": 3}, {"user_id": "ben", "size": None}, None],
    }
    import_module("pyarrow.parquet").write_table(import_module("pyarrow").table(columns), file)

    done = send(server, "Files by columns", file)

    assert (done.returncode, json.loads(done.stdout)) == (0, {"lines": 3, "sent": 3, "already_known": 0, "refused": 0})
    first = api.ok("GET", "/events/a")["event"]
    assert (first["properties"], first["timestamp"]) == ({"user_id": "ada", "size": 3}, "2026-07-02T00:00:00.250Z")
    assert first["precise_total_amount_cents"] == "12.345"
    assert api.ok("GET", "/events/b")["event"]["properties"] == {"user_id": "ben"}
    assert json.loads(send(server, "Files by columns", file).stdout)["sent"] == 3


@pytest.mark.parametrize(("name", "reason"), [("events.parquet", ""), ("events.txt", "send NDJSON")])
def test_other_kinds_of_files_are_refused(server: Server, tmp_path: Path, name: str, reason: str) -> None:
    seats(server, name)
    file = tmp_path / name
    file.write_text("PAR1")

    done = send(server, name, file)

    assert done.returncode == 1
    assert f"{name} cannot be read: {reason}" in done.stderr


def test_lines_are_read_the_same_one_by_one_and_together() -> None:
    lines = [
        b'{"transaction_id":"a","external_subscription_id":"s","code":"c","timestamp":1780000000,"properties":{"n":1}}',
        b'{"code":"c","transaction_id":"\xc3\xa9","external_subscription_id":"s","timestamp":"1780000000.25","more":null}',
    ]

    assert read_plain_lines(lines) == [read_line(line)[0] for line in lines]
    two_in_one = lines[0] + b"," + lines[1]
    for odd in (b"{}", b"", b"nonsense", two_in_one, lines[0].replace(b'"a"', b"7"), lines[0].replace(b'"a"', b'"\\u0000"')):
        assert read_plain_lines([*lines, odd]) is None
    assert read_plain_lines([two_in_one, b" "]) is None
