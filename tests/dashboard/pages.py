"""The addresses of every page in a furnished organization, for suites that go through all of them."""

from urllib.parse import quote

from tests.api.world import World

LISTS = (
    "/",
    "/customers",
    "/subscriptions",
    "/invoices",
    "/payments",
    "/credit-notes",
    "/wallets",
    "/billable-metrics",
    "/plans",
    "/coupons",
    "/add-ons",
    "/taxes",
    "/events",
    "/api-keys",
    "/clock",
    "/settings",
    "/members",
    "/search",
)
FORMS = ("/customers/new", "/events/new", "/api-keys/new")
TABS = ("subscriptions", "invoices", "payments", "credit-notes", "wallets", "coupons")


def objects(world: World) -> list[str]:
    """Return the pages of single things."""
    customer = f"/customers/{quote(world.customer['external_id'], safe='')}"
    return [
        customer,
        f"{customer}/edit",
        *(f"{customer}/{tab}" for tab in TABS),
        f"/subscriptions/{quote(world.subscription['external_id'], safe='')}",
        f"/invoices/{world.invoice['lago_id']}",
        f"/invoices/{world.invoice['lago_id']}/explain",
        f"/fees/{world.fee['lago_id']}",
        f"/credit-notes/{world.credit_note['lago_id']}",
        f"/wallets/{world.wallet['lago_id']}",
        f"/billable-metrics/{quote(world.metric['code'], safe='')}",
        f"/plans/{quote(world.plan['code'], safe='')}",
        f"/coupons/{quote(world.coupon['code'], safe='')}",
        f"/events/{quote(world.event['transaction_id'], safe='')}",
        f"/api-keys/{world.api_key['lago_id']}",
    ]
