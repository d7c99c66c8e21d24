"""What of webhooks needs no network: waits, addresses, keys, names of types."""

import asyncio
import ipaddress
from datetime import timedelta
from fractions import Fraction

import pytest

from daycount.webhooks.addresses import AddressRefused, choose, is_public
from daycount.webhooks.delivery import documented_wait, fixed_waits
from daycount.webhooks.event_types import EVENT_TYPES, is_wanted, root_of
from daycount.webhooks.keys import UnreadableKey, read_key
from daycount.webhooks.sending import Reply, Sender


def test_waits_grow_with_the_fourth_power() -> None:
    # 1 + 2 = 3 s and 15 % of 1 more; 16 + 2 = 18 s and 15 % of 16 = 2.4 more; 81 + 2.
    assert documented_wait(1, share=Fraction(0)) == timedelta(seconds=3)
    assert documented_wait(1, share=Fraction(1)) == timedelta(seconds=3, milliseconds=150)
    assert documented_wait(2, share=Fraction(0)) == timedelta(seconds=18)
    assert documented_wait(2, share=Fraction(1)) == timedelta(seconds=20, milliseconds=400)
    assert timedelta(seconds=83) <= documented_wait(3) <= timedelta(seconds=95, milliseconds=150)
    waits = fixed_waits([5, 60])
    assert [waits(number).total_seconds() for number in (1, 2, 3)] == [5, 60, 60]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, expected: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is expected


def test_the_first_address_that_may_be_used_is_chosen() -> None:
    assert choose(["10.0.0.1", "93.184.216.34"], allows_private=False) == "93.184.216.34"
    assert choose(["10.0.0.1", "93.184.216.34"], allows_private=True) == "10.0.0.1"
    with pytest.raises(AddressRefused):
        choose(["127.0.0.1", "::1", "fe80::1%eth0"], allows_private=False)


def test_a_private_address_is_not_connected_to() -> None:
    async def send() -> Reply:
        sender = Sender(timeout_s=1, allows_private=False, user_agent="test")
        try:
            return await sender.send("http://localhost:9/", {}, b"{}")
        finally:
            await sender.close()

    reply = asyncio.run(send())
    assert (reply.http_status, reply.error) == (None, "the address is private; DAYCOUNT_WEBHOOKS_ALLOW_PRIVATE would allow it")


@pytest.mark.parametrize("text", ["", "no base64!", "bm8gcGVt", "-----BEGIN PRIVATE KEY-----\nxx\n-----END PRIVATE KEY-----"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(UnreadableKey):
        read_key(text)


def test_types_are_those_of_the_contract() -> None:
    assert len(EVENT_TYPES) == 75
    assert is_wanted("invoice.created", None) and not is_wanted("invoice.created", [])
    assert is_wanted("credit_note.refund_failure", ["credit_note.refund_failure"])
    assert root_of("credit_note.refund_failure") == root_of("credit_note.provider_refund_failure")
