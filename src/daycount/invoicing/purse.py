"""
What customers bring to their invoices: coupons, credit notes and wallets.

Loaded for all customers of a work, used invoice by invoice in the order in which they are made, written once. Several
invoices of one work share what is left. The caller holds the customers; wallets are locked here.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from daycount.coupons import store as coupons
from daycount.coupons.records import GivenCoupon
from daycount.credit_notes.spending import Balances, load_balances
from daycount.engine.discounts import CouponTerms, CouponUse
from daycount.engine.invoice import Assembled, Steps
from daycount.engine.wallets.allocation import WalletTerms
from daycount.infra.work import Work
from daycount.invoicing import credit_store as store
from daycount.invoicing.credits import Credit, CreditKind
from daycount.invoicing.records import Invoice
from daycount.wallets import movements
from daycount.wallets import store as wallets
from daycount.wallets.records import Wallet, WalletUse


class Purse:
    """What customers have, as the invoices of one work use it up."""

    def __init__(
        self, given: Sequence[GivenCoupon], *, used: dict[UUID, int], balances: Balances, held: Sequence[Wallet], at: datetime
    ) -> None:
        self._balances = balances
        self._wallets: dict[tuple[UUID, str], dict[UUID, WalletTerms]] = {}
        for wallet in held:
            self._wallets.setdefault((wallet.customer_id, wallet.currency), {})[wallet.id] = wallet.terms(at=at)
        self._given = {item.applied.id: item for item in given}
        self._left: dict[UUID, dict[UUID, CouponTerms]] = {}
        for item in given:
            terms = item.terms(used_cents=used.get(item.applied.id, 0))
            self._left.setdefault(item.applied.customer_id, {})[item.applied.id] = terms
        self._credits: list[Credit] = []
        self._remaining: dict[UUID, int | None] = {}
        self._spent_at: dict[UUID, datetime] = {}
        self._uses: list[WalletUse] = []

    def steps_for(self, customer_id: UUID, *, currency: str, invoice_id: UUID | None = None) -> Steps:
        """Return what a customer's next invoice can use when it is finalized; never a credit note of that same invoice."""
        return Steps(
            coupons=list(self._left.get(customer_id, {}).values()),
            credit_notes=self._balances.offered(customer_id, currency=currency, invoice_id=invoice_id),
            wallets=list(self._wallets.get((customer_id, currency), {}).values()),
        )

    def take(self, work: Work, invoice: Invoice, assembled: Assembled) -> None:
        """Note what an invoice used."""
        self._balances.take(work, invoice_id=invoice.id, uses=assembled.credit_note_uses)
        for use in assembled.coupon_uses:
            self._credits.append(self._credit(work, invoice, use))
            self._note(invoice, use)
        held = self._wallets.get((invoice.customer_id, invoice.currency), {})
        for paid in assembled.wallet_uses:
            terms = held[paid.source_id]
            held[paid.source_id] = structs.replace(terms, balance_cents=terms.balance_cents - paid.amount_cents)
            self._uses.append(WalletUse(invoice.id, paid.source_id, paid.amount_cents))

    def _credit(self, work: Work, invoice: Invoice, use: CouponUse) -> Credit:
        given = self._given[use.applied_coupon_id]
        coupon = given.coupon
        return Credit(
            id=work.new_id(),
            organization_id=work.organization_id,
            invoice_id=invoice.id,
            kind=CreditKind.COUPON,
            source_id=given.applied.id,
            amount_cents=use.credit_cents,
            currency=invoice.currency,
            item={
                "lago_item_id": str(coupon.id),
                "type": CreditKind.COUPON,
                "code": coupon.code,
                "name": coupon.name,
                "description": coupon.description,
            },
            created_at=invoice.updated_at,
        )

    def _note(self, invoice: Invoice, use: CouponUse) -> None:
        own = self._left[invoice.customer_id]
        is_counted = own[use.applied_coupon_id].invoices_remaining is not None
        if use.left is None:
            del own[use.applied_coupon_id]
            self._spent_at[use.applied_coupon_id] = invoice.updated_at
            self._remaining[use.applied_coupon_id] = 0 if is_counted else None
        else:
            own[use.applied_coupon_id] = use.left
            self._remaining[use.applied_coupon_id] = use.left.invoices_remaining

    def write(self, work: Work, invoices: Sequence[Invoice]) -> list[Invoice]:
        """
        Write what was used, and return the invoices with what of their prepaid credits had been granted and bought.

        A fixed number of statements; the invoices may be written after.
        """
        self._balances.write(work)
        store.insert(work.tx, self._credits)
        coupons.write_uses(work.tx, remaining=self._remaining, at=self._spent_at)
        origins = movements.consume(work, self._uses, at=work.now)
        return [
            structs.replace(
                invoice,
                prepaid_granted_credit_amount_cents=origins[invoice.id].granted or None,
                prepaid_purchased_credit_amount_cents=origins[invoice.id].purchased or None,
            )
            if invoice.id in origins
            else invoice
            for invoice in invoices
        ]


def load_purse(work: Work, customer_ids: Sequence[UUID]) -> Purse:
    """Load what customers have. Some six queries."""
    given = coupons.list_active(work.tx, organization_id=work.organization_id, customer_ids=customer_ids) if customer_ids else []
    used = store.sum_of_coupons(work.tx, applied_coupon_ids=[item.applied.id for item in given]) if given else {}
    held = (
        wallets.find_wallets(work.tx, organization_id=work.organization_id, customer_ids=customer_ids, active_only=True, lock=True)
        if customer_ids
        else []
    )
    return Purse(given, used=used, balances=load_balances(work, customer_ids), held=held, at=work.now)
