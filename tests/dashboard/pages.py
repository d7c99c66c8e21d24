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
FORMS = (
    "/customers/new",
    "/events/new",
    "/api-keys/new",
    "/billable-metrics/new",
    "/plans/new",
    "/coupons/new",
    "/add-ons/new",
    "/taxes/new",
)
TABS = ("subscriptions", "invoices", "payments", "credit-notes", "wallets", "coupons")


def objects(world: World) -> list[str]:
    """Return the pages of single things."""
    customer = f"/customers/{quote(world.customer['external_id'], safe='')}"
    return [
        customer,
        f"{customer}/edit",
        f"{customer}/subscribe",
        f"{customer}/coupons/apply",
        f"{customer}/wallets/new",
        *(f"{customer}/{tab}" for tab in TABS),
        f"/subscriptions/{quote(world.subscription['external_id'], safe='')}",
        f"/invoices/{world.invoice['lago_id']}",
        f"/subscriptions/{quote(world.subscription['external_id'], safe='')}/change",
        f"/subscriptions/{quote(world.subscription['external_id'], safe='')}/end",
        f"/invoices/{world.invoice['lago_id']}/credit",
        f"/billable-metrics/{quote(world.metric['code'], safe='')}/edit",
        f"/plans/{quote(world.plan['code'], safe='')}/edit",
        f"/add-ons/{quote(world.add_on['code'], safe='')}/edit",
        f"/taxes/{quote(world.tax['code'], safe='')}/edit",
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
