"""How many requests a key may send in a second, and what it is told of that."""

from daycount.api.errors import describe
from daycount.api.rate_limits import RateLimits
from daycount.errors import TooMany
from tests.support.server import Api

EVENTS, BATCH, OTHER = b"/api/v1/events", b"/api/v1/events/batch", b"/api/v1/plans"


def test_a_key_is_counted_by_the_second_and_by_what_it_asks_for() -> None:
    seconds = [7.2]
    limits = RateLimits(events=2, usage=1, requests=0, clock=lambda: seconds[0])

    def told(path: bytes, key: bytes = b"Bearer a") -> tuple[object, ...] | None:
        grant = limits.take(path, key)
        return None if grant is None else (*(value for _, value in grant.headers), grant.is_refused)

    assert told(OTHER) is None
    assert [told(EVENTS), told(BATCH), told(EVENTS)] == [(b"2", b"1", b"1", False), (b"2", b"0", b"1", False), (b"2", b"0", b"1", True)]
    assert told(EVENTS, b"Bearer b") == (b"2", b"1", b"1", False)
    assert told(b"/api/v1/customers/acme/current_usage") == (b"1", b"0", b"1", False)
    limits.give_back(EVENTS, b"Bearer b")
    assert told(EVENTS, b"Bearer b") == (b"2", b"1", b"1", False)
    seconds[0] = 8.0
    assert told(EVENTS) == (b"2", b"1", b"1", False)
    assert describe(TooMany()) == (429, {"status": 429, "error": "Too Many Requests", "code": "too_many_requests"})


def test_answers_carry_what_is_left(sandbox: Api) -> None:
    sandbox.event("plain", code="calls")
    event = {"transaction_id": "known", "code": "calls", "external_subscription_id": "sub"}
    replies = [
        sandbox.call("POST", "/events", {"event": event}),
        sandbox.call("GET", "/plans"),
        sandbox.call("GET", "/plans/unknown"),
        sandbox.call("GET", "/customers/unknown/current_usage"),
    ]
    assert [reply.status for reply in replies] == [200, 200, 404, 404]
    for reply in replies:
        assert (reply.headers["x-ratelimit-limit"], reply.headers["x-ratelimit-reset"]) == ("1000000", "1")
        assert 0 < int(reply.headers["x-ratelimit-remaining"]) < 1_000_000
    assert "x-ratelimit-limit" not in sandbox.raw("GET", "/health").headers
