"""What somebody sees who pays an invoice or a payment request, or leaves a way to pay."""

from typing import Final

from daycount import errors
from daycount.dashboard import security
from daycount.dashboard.http import Response, redirect
from daycount.dashboard.payer import Payer, leading_on
from daycount.dashboard.routing import Pages
from daycount.organizations.payment_providers.records import SIMULATOR
from daycount.payments.checkout.paying import OUTCOMES, methods_to_leave
from daycount.payments.checkout.records import About, Bill, Stage

pages = Pages()
_PAGE: Final = "/pay/{token}"
_TITLES: Final = {
    Stage.OPEN: "Pay",
    Stage.PAID: "Paid",
    Stage.UNDER_WAY: "Payment under way",
    Stage.WAITS: "Confirm the payment",
    Stage.OVER: "Nothing to pay",
}


@pages.get(_PAGE, access="payer")
def show_bill(payer: Payer) -> Response:
    """Show what is to pay, or how to leave a way to pay. Raises NotFound."""
    return _show(payer, payer.paying.show(payer.work, payer.door))


def _show(payer: Payer, bill: Bill, *, error: str | None = None) -> Response:
    is_setup = bill.door.about is About.CUSTOMER
    page = payer.render(
        "pay.html",
        title="Leave a way to pay" if is_setup else _TITLES[bill.stage],
        status=422 if error else 200,
        bill=bill,
        is_setup=is_setup,
        stage=bill.stage.value,
        is_simulated=bill.connection is not None and bill.connection.provider_type == SIMULATOR,
        outcomes=list(OUTCOMES.items()),
        methods=[(method, method) for method in methods_to_leave()],
        error=error,
    )
    return page.with_headers(("content-security-policy", leading_on(security.POLICY)))


@pages.post(_PAGE, access="payer")
def act_on_bill(payer: Payer) -> Response:
    """Pay, confirm, leave a way to pay, or go on to the provider's page, as the button says."""
    act, paying, work, door = payer.form.one("act"), payer.paying, payer.work, payer.door
    try:
        if act == "go":
            return Response(303, b"", headers=(("location", paying.lead_on(work, door)),))
        if act in ("confirm", "refuse"):
            paying.answer(work, door, is_confirmed=act == "confirm")
        elif act == "keep":
            paying.keep_method(work, door, payer.form.one("method"))
            return redirect(payer.here, {"done": "method_kept"})
        else:
            paying.pay(work, door, payer.form.one("outcome"))
    except (errors.NotAllowed, errors.Invalid, errors.ProviderFailed):
        return _show(payer, paying.show(work, door), error="This is not possible now. Nothing was paid.")
    bill = paying.show(work, door)
    return redirect(payer.here, {"done": "paid_now" if bill.stage is Stage.PAID else "not_paid" if bill.stage is Stage.OPEN else "waits"})
