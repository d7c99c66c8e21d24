"""
Several statements and a COPY from stdin, sent in one piece.

What is asked before rows are written costs a round trip for each statement where they are sent one by one, and more than the work
itself where many small transactions follow each other.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import generators, pq
from psycopg.abc import PQGen
from psycopg.errors import error_from_result

_PIECE = 1_048_576

Row = Sequence[bytes | None]


class OpenCopy:
    """
    A COPY that waits for its rows; `answers` holds the rows of every statement before it, as texts.

    `send` or `give_up` ends it. The connection must have nothing else under way; the statements begin their
    transaction themselves, if they want one.
    """

    def __init__(self, driver: psycopg.Connection[tuple[Any, ...]], script: str) -> None:
        """Send the statements, the last of which copies from stdin. Raises what the driver raises."""
        self._driver = driver
        self._is_open = False
        driver.pgconn.send_query(script.encode())
        results = driver.wait(generators.execute(driver.pgconn))
        self._require(results, pq.ExecStatus.COPY_IN)
        self._is_open = True
        self.answers = [_rows_of(result) for result in results[:-1]]

    def send(self, text: str) -> None:
        """Send the rows, in text format, and end the COPY. Raises what the driver raises on a violated constraint."""
        self._is_open = False
        results = self._driver.wait(self._sending(text.encode()))
        self._require(results, pq.ExecStatus.COMMAND_OK)

    def give_up(self) -> None:
        """End the COPY without a row, if it was not ended yet; the transaction can only be rolled back then."""
        if self._is_open:
            self._is_open = False
            self._driver.wait(self._ending(b"given up"))

    def _sending(self, content: bytes) -> PQGen[list[pq.abc.PGresult]]:
        pgconn = self._driver.pgconn
        for start in range(0, len(content), _PIECE):
            yield from generators.copy_to(pgconn, content[start : start + _PIECE], flush=len(content) > _PIECE)
        return (yield from self._ending(None))

    def _ending(self, error: bytes | None) -> PQGen[list[pq.abc.PGresult]]:
        pgconn = self._driver.pgconn
        while pgconn.put_copy_end(error) == 0:
            yield generators.WAIT_W
        results: list[pq.abc.PGresult] = yield from generators.execute(pgconn)
        return results

    def _require(self, results: Sequence[pq.abc.PGresult], last: pq.ExecStatus) -> None:
        for result in results:
            if result.status == pq.ExecStatus.FATAL_ERROR:
                raise error_from_result(result)
        assert results[-1].status == last, results[-1].status


def _rows_of(result: pq.abc.PGresult) -> list[Row]:
    return [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
