"""The events that are sent: those of a month of seats and of traffic, with ids that never repeat."""

import random
from collections.abc import Iterator
from uuid import UUID

SUBSCRIPTIONS = 10_000
BATCH = 100
SEATS, TRAFFIC = "seats", "traffic_gb"
_REGIONS = ("eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1")
_SECONDS = 3600


def subscription_id(number: int) -> str:
    """Return the external id of a subscription."""
    return f"subscription-{number:05}"


def make_events(count: int, *, seed: int, start: int) -> Iterator[str]:
    """
    Make events as JSON texts: half of them seats that come and go, half of them traffic with a region.

    They are spread evenly over the subscriptions and over the hour after `start` (Unix seconds), so that no two
    neighbours touch the same page of an index. One in five carries milliseconds.
    """
    source = random.Random(seed)
    for number in range(count):
        transaction_id = UUID(int=source.getrandbits(128), version=4)
        subscription = subscription_id(source.randrange(SUBSCRIPTIONS))
        timestamp = f"{start + source.randrange(_SECONDS)}"
        if number % 5 == 0:
            timestamp = f'"{timestamp}.{source.randrange(1000):03}"'
        if number % 2:
            operation = "add" if source.random() < 0.7 else "remove"
            code, properties = SEATS, f'{{"user_id":"user-{source.randrange(500):03}","operation_type":"{operation}"}}'
        else:
            amount = f"{source.randrange(100)}.{source.randrange(1000):03}"
            code, properties = TRAFFIC, f'{{"gb":"{amount}","region":"{source.choice(_REGIONS)}","path":"/v1/files"}}'
        yield (
            f'{{"transaction_id":"{transaction_id}","external_subscription_id":"{subscription}","code":"{code}",'
            f'"timestamp":{timestamp},"properties":{properties}}}'
        )


def make_batches(count: int, *, seed: int, start: int) -> list[bytes]:
    """Make the bodies of `count` calls of POST /events/batch."""
    events = make_events(count * BATCH, seed=seed, start=start)
    return [f'{{"events":[{",".join(next(events) for _ in range(BATCH))}]}}'.encode() for _ in range(count)]


def make_singles(count: int, *, seed: int, start: int) -> list[bytes]:
    """Make the bodies of `count` calls of POST /events."""
    return [f'{{"event":{event}}}'.encode() for event in make_events(count, seed=seed, start=start)]


def make_subscriptions() -> list[bytes]:
    """Make the bodies that subscribe everybody, one customer for each subscription."""
    return [
        f'{{"subscription":{{"external_customer_id":"customer-{number:05}","plan_code":"plan","external_id":"{subscription_id(number)}"}}}}'.encode()
        for number in range(SUBSCRIPTIONS)
    ]


def make_customers() -> list[bytes]:
    """Make the bodies that create the customers."""
    return [
        f'{{"customer":{{"external_id":"customer-{number:05}","name":"Customer {number}"}}}}'.encode() for number in range(SUBSCRIPTIONS)
    ]
