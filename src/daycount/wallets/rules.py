"""Recurring rules: reading them, and topping up when they fire."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from daycount import errors
from daycount.engine.wallets.credits import incoming
from daycount.engine.wallets.top_ups import (
    Method,
    RuleInterval,
    TopUp,
    Trigger,
    interval_top_up,
    is_below_threshold,
    next_interval_day,
    threshold_top_up,
)
from daycount.given import given, given_or_default, is_given
from daycount.infra.work import Work
from daycount.organizations.sections.operations import choose_sections
from daycount.organizations.sections.records import Chooser
from daycount.periods import local_date, parse_instant, start_of_day
from daycount.wallets import store
from daycount.wallets.fields import read_credits, read_future, read_id, read_name, read_pairs, read_payment_method
from daycount.wallets.movements import Purchase, add_credits
from daycount.wallets.records import PaymentMethod, Rule, RuleInput, Source, Wallet, WalletStatus

INTERVAL_DUE = "wallets.interval_top_up"
RULE_EXPIRES = "wallets.rule_expires"
_INVALID = errors.Invalid({"recurring_transaction_rules": ["invalid_recurring_rule"]})
_MOST_PAIRS = 5
_DECLINE_PAUSE = timedelta(hours=1)


def read_rule(work: Work, source: RuleInput, wallet: Wallet, *, before: Rule | None, paid: Decimal, granted: Decimal) -> Rule:
    """
    Read a rule, new or changed; `paid` and `granted` are what a fixed rule takes over from its wallet's creation.

    Raises Invalid (recurring_transaction_rules). Source: Lago API, recurring transaction rules.
    """
    try:
        return _read_rule(work, source, wallet, before=before, paid=paid, granted=granted)
    except ValueError as error:
        raise _INVALID from error


def _read_rule(work: Work, source: RuleInput, wallet: Wallet, *, before: Rule | None, paid: Decimal, granted: Decimal) -> Rule:
    found = errors.FieldErrors()
    trigger = Trigger(given_or_default(source.trigger, before.trigger.value if before else ""))
    method = Method(given_or_default(source.method, before.method.value if before else Method.FIXED.value))
    interval_text = given(source.interval, before.interval.value if before and before.interval else None)
    has_amounts = any(is_given(value) and value is not None for value in (source.paid_credits, source.granted_credits))
    if has_amounts and read_credits(source.paid_credits) is None and read_credits(source.granted_credits) is None:
        raise ValueError("amounts")
    target = _credits(source.target_ongoing_balance, before.target_ongoing_balance if before else None)
    threshold = _credits(source.threshold_credits, before.threshold_credits if before else None)
    if (method is Method.TARGET and target is None) or (trigger is Trigger.THRESHOLD and threshold is None):
        raise ValueError("target or threshold")
    if method is Method.TARGET and trigger is Trigger.THRESHOLD and (target or 0) < (threshold or 0):
        raise errors.Invalid({"target_ongoing_balance": ["must_be_greater_than_or_equal_threshold"]})
    grants = given_or_default(source.grants_target_top_up, before.grants_target_top_up if before else False)
    if grants and method is not Method.TARGET:
        raise ValueError("grants_target_top_up")
    takes_over = before is None and not has_amounts and method is Method.FIXED
    rule = Rule(
        id=before.id if before else work.new_id(),
        wallet_id=wallet.id,
        trigger=trigger,
        method=method,
        interval=RuleInterval(interval_text or "") if trigger is Trigger.INTERVAL or interval_text else None,
        paid_credits=_amount(source.paid_credits, paid if takes_over else before.paid_credits if before else Decimal(0)),
        granted_credits=_amount(source.granted_credits, granted if takes_over else before.granted_credits if before else Decimal(0)),
        threshold_credits=threshold or Decimal(0),
        target_ongoing_balance=target,
        started_at=_instant(source.started_at, before.started_at if before else None),
        expiration_at=read_future(source.expiration_at, now=work.now)
        if isinstance(source.expiration_at, str)
        else None
        if source.expiration_at is None
        else (before.expiration_at if before else None),
        status=WalletStatus.ACTIVE,
        grants_target_top_up=grants,
        invoice_requires_successful_payment=given_or_default(
            source.invoice_requires_successful_payment,
            before.invoice_requires_successful_payment if before else wallet.invoice_requires_successful_payment,
        ),
        ignore_paid_top_up_limits=given_or_default(source.ignore_paid_top_up_limits, before.ignore_paid_top_up_limits if before else False),
        transaction_metadata=read_pairs(source.transaction_metadata, found, most=_MOST_PAIRS)
        if is_given(source.transaction_metadata)
        else (before.transaction_metadata if before else ()),
        transaction_name=_name(source.transaction_name, before.transaction_name if before else None, found),
        purchase_order_number=_name(source.purchase_order_number, before.purchase_order_number if before else None, found),
        payment_method=read_payment_method(
            work,
            given(source.payment_method, None),
            found,
            owner=wallet.customer_id,
            otherwise=before.payment_method if before else PaymentMethod(),
        ),
        created_at=before.created_at if before else work.now,
    )
    if found:
        raise ValueError("fields")
    check_limits(rule, wallet)
    return rule


def _credits(value: Any, before: Decimal | None) -> Decimal | None:
    if not is_given(value):
        return before
    wanted = None if value is None else read_credits(value)
    if value is not None and wanted is None:
        raise ValueError(value)
    return wanted


def _amount(value: Any, before: Decimal) -> Decimal:
    if not is_given(value):
        return before
    wanted = Decimal(0) if value is None else read_credits(value)
    return before if wanted is None else wanted


def _name(value: Any, before: str | None, found: errors.FieldErrors) -> str | None:
    return read_name(value, "recurring_transaction_rules", found) if is_given(value) else before


def _instant(value: Any, before: datetime | None) -> datetime | None:
    if not is_given(value):
        return before
    return parse_instant(value) if value else None


def check_limits(rule: Rule, wallet: Wallet) -> None:
    """Check that what a fixed rule buys is within the wallet's limits. Raises Invalid (recurring_transaction_rules)."""
    if rule.method is not Method.FIXED or rule.ignore_paid_top_up_limits or rule.paid_credits <= 0:
        return
    cents = incoming(rule.paid_credits, rate=wallet.rate_amount, currency=wallet.money).amount_cents
    if not is_within_limits(cents, wallet):
        raise _INVALID


def is_within_limits(cents: int, wallet: Wallet) -> bool:
    """Tell whether one paid top-up of that worth is allowed."""
    least, most = wallet.paid_top_up_min_amount_cents, wallet.paid_top_up_max_amount_cents
    return (least is None or cents >= least) and (most is None or cents <= most)


def replace_rules(work: Work, wallet: Wallet, sources: Sequence[RuleInput]) -> None:
    """Make the given rules the only active ones: one with the id of an active rule changes it, others are new."""
    if len(sources) > 1:
        raise errors.Invalid({"recurring_transaction_rules": ["invalid_number_of_recurring_rules"]})
    known = {rule.id: rule for rule in wallet.rules}
    kept = []
    for source in sources:
        rule_id = read_id(given(source.lago_id, None))
        before = known.get(rule_id) if rule_id else None
        rule = read_rule(work, source, wallet, before=before, paid=Decimal(0), granted=Decimal(0))
        choose_sections(work, Chooser.WALLET_RULE, rule.id, given(source.invoice_custom_section, None))
        kept.append(rule)
    gone = [rule_id for rule_id in known if rule_id not in {rule.id for rule in kept}]
    if gone:
        store.end_rules(work.tx, rule_ids=gone)
        work.agenda.drop(subject_ids=gone)
    for rule in kept:
        store.save_rule(work.tx, rule)


def schedule_rules(work: Work, wallet: Wallet, *, zone: ZoneInfo, is_done_today: bool = False) -> None:
    """
    Put into the agenda when the wallet's rules fire and expire.

    A day of a rule that is running counts still, unless it is done: an interval has topped the wallet up on it.
    """
    for rule in wallet.rules:
        if rule.trigger is Trigger.INTERVAL:
            today = start_of_day(local_date(work.now, zone=zone), zone=zone)
            is_done = is_done_today or store.has_interval_top_up(work.tx, wallet_id=wallet.id, since=today)
            due = next_due(rule, wallet, zone=zone, after=work.now, is_done_today=is_done)
            work.agenda.put(INTERVAL_DUE, subject_id=rule.id, lane_id=wallet.customer_id, due_at=due)
        else:
            work.agenda.drop_kind(INTERVAL_DUE, subject_id=rule.id)
        if rule.expiration_at is not None:
            work.agenda.put(RULE_EXPIRES, subject_id=rule.id, lane_id=wallet.customer_id, due_at=rule.expiration_at)
        else:
            work.agenda.drop_kind(RULE_EXPIRES, subject_id=rule.id)


def next_due(rule: Rule, wallet: Wallet, *, zone: ZoneInfo, after: datetime, is_done_today: bool) -> datetime:
    """
    Return when an interval rule fires next: at the start of its local day, not before its anchor, never on the day of the wallet's making.

    A day that is running, unless it is done, is made good at once.
    """
    assert rule.interval is not None
    anchor = rule.started_at or wallet.created_at
    today = local_date(after, zone=zone)
    passed = today if is_done_today else today - timedelta(days=1)
    created = local_date(wallet.created_at, zone=zone)
    day = next_interval_day(local_date(anchor, zone=zone), interval=rule.interval, after=max(passed, created))
    return max(start_of_day(day, zone=zone), anchor, after)


def fire_interval(work: Work, wallet: Wallet, rule: Rule) -> None:
    """Top up by an interval rule on its day."""
    _top_up(work, wallet, rule, interval_top_up(wallet.top_up_terms(rule), ongoing=wallet.credits_of(wallet.ongoing_balance_cents)))


def check_threshold(work: Work, wallet: Wallet) -> bool:
    """
    Top up where the ongoing balance has reached a threshold, and tell whether that was so.

    A purchase that failed is not repeated within the hour.
    """
    rule = wallet.live_rule(Trigger.THRESHOLD, at=work.now)
    if rule is None or wallet.status is not WalletStatus.ACTIVE:
        return False
    terms = wallet.top_up_terms(rule)
    ongoing = wallet.credits_of(wallet.ongoing_balance_cents)
    pending = store.sum_pending(work.tx, wallet_ids=[wallet.id]).get(wallet.id, Decimal(0))
    if not is_below_threshold(terms, ongoing=ongoing, pending=pending):
        return False
    top_up = threshold_top_up(terms, ongoing=ongoing, pending=pending)
    declined = store.find_declined_at(work.tx, wallet_id=wallet.id) if top_up.paid > 0 else None
    if declined is not None and work.now - declined < _DECLINE_PAUSE:
        return False
    _top_up(work, wallet, rule, top_up)
    return True


def _top_up(work: Work, wallet: Wallet, rule: Rule, top_up: TopUp) -> None:
    def worth(credits: Decimal) -> Decimal:
        return credits if incoming(credits, rate=wallet.rate_amount, currency=wallet.money).amount_cents else Decimal(0)

    add_credits(
        work,
        wallet,
        paid=worth(top_up.paid),
        granted=worth(top_up.granted),
        purchase=Purchase(
            source=Source(rule.trigger.value),
            name=rule.transaction_name,
            purchase_order_number=rule.purchase_order_number,
            metadata=rule.transaction_metadata,
            invoice_requires_successful_payment=rule.invoice_requires_successful_payment,
            rule_id=rule.id,
        ),
    )


def expire_rules(work: Work, rule_ids: Sequence[UUID]) -> None:
    """End rules whose time is over."""
    store.end_rules(work.tx, rule_ids=rule_ids)
    work.agenda.drop(subject_ids=rule_ids)
