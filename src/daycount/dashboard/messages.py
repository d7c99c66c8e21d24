"""Codes in sentences: what forms say beside a field, and what a page says after something was done."""

from collections.abc import Mapping
from typing import Any, Final

from daycount import errors
from daycount.dashboard.formats import sentence

CODES: Final = {
    "value_is_mandatory": "This is needed.",
    "value_is_invalid": "This value cannot be used here.",
    "country_must_be_present": "Say first in which country the sender is.",
    "country_not_supported": "There are electronic invoices for senders in France and Germany alone.",
    "value_already_exist": "This is taken already.",
    "value_is_too_long": "This is too long.",
    "value_is_too_short": "This is too short.",
    "value_is_out_of_range": "This is out of the range that is possible.",
    "value_is_duplicated": "This occurs twice.",
    "invalid_date": "Write a date as 2026-07-31.",
    "invalid_timezone": "No such time zone. Write one as Europe/Berlin.",
    "invalid_email_format": "This is no e-mail address.",
    "invalid_currency": "No such currency.",
    "invalid_amount": "Write an amount as 12.50.",
    "currencies_does_not_match": "The currency is not the customer's.",
    "currency_does_not_match": "The currency is not the customer's.",
    "expression_is_invalid": "The expression cannot be read.",
    "must_be_persisted": "Save this first.",
    "customer_already_has_subscriptions": "The customer has subscriptions already.",
    "plan_overlapping": "The subscription would overlap with another on this plan.",
    "invalid_number": "Write a number as 12.5.",
    "invalid_json": "This is no JSON.",
    "wrong_token": "This is not the token.",
    "url_is_invalid": "Write an address as https://example.com/hooks.",
    "exceeded_limit": "There are as many as there can be.",
    "invalid_type": "This kind cannot be used here.",
    "alert_already_exists": "There is such an alert already.",
    "duplicate_threshold_values": "A level occurs twice.",
    "too_many_thresholds": "There are too many levels.",
    "recurring_value_is_negative": "A step has to be more than zero.",
    "missing_amount_cents": "An amount is missing.",
    "duplicated_values": "An amount occurs twice.",
    "multiple_recurring_thresholds": "Only one threshold repeats.",
    "invalid_format": "Only one of some options has options, and needs them.",
}
"""What the API's codes for a field mean."""

REFUSALS: Final = {
    "last_admin": "Somebody has to stay administrator.",
    "too_many_sign_ins": "Too many attempts. Wait a quarter of an hour and try again.",
    "email_settings_disabled": "Mails of this kind are switched off. The settings say which go out.",
    "not_voided": "Only a voided invoice can be made again.",
    "already_regenerated": "It was made again already.",
    "not_regeneratable": "An invoice of this kind cannot be made again.",
    "not_voidable": "This invoice cannot be voided any more.",
    "no_linked_payment_provider": "The customer has no payment provider.",
    "test_clock_not_available": "Only a sandbox has a clock that can be moved.",
    "last_api_key": "The last key that does not expire stays.",
}

DONE: Final = {
    "saved": "Saved.",
    "created": "Created.",
    "deleted": "Deleted.",
    "customer_created": "The customer is there. Give it a plan next.",
    "plan_created": "The plan is there. Subscribe a customer to it next.",
    "metric_created": "The metric is there. Price it in a plan next.",
    "subscribed": "The subscription is there.",
    "plan_changed": "The plan is changed.",
    "change_scheduled": "The change is scheduled for the end of the period.",
    "terminated": "The subscription has ended.",
    "finalized": "The invoice is finalized.",
    "refreshed": "The draft was computed again from the prices, taxes and events of now.",
    "voided": "Voided.",
    "paid": "The payment is recorded.",
    "emailed": "It is on its way by e-mail.",
    "charged": "The payment provider is asked again.",
    "asked": "The customer is asked to pay.",
    "regenerated": "The invoice is made again.",
    "credited": "The credit note is there.",
    "applied": "The coupon is applied.",
    "taken_away": "The coupon is taken away.",
    "bought": "The credits are ordered. They are there when their invoice is paid.",
    "topped_up": "The wallet is topped up.",
    "event_taken": "The event is stored and counted.",
    "key_revoked": "The key is revoked; it stops working within seconds.",
    "moved": "The clock is moved.",
    "resent": "It is sent again in the background.",
    "switched": "You are in another organization now.",
    "invited": "The invitation is open for seven days.",
    "member_removed": "The member is removed.",
    "role_changed": "The role is changed.",
    "method_kept": "It is kept, and charged from now on.",
    "paid_now": "The payment is made.",
    "not_paid": "The payment was refused. Nothing was paid.",
    "waits": "The payment is under way.",
    "retried": "It is tried again in the background.",
    "signed_out": "You are signed out.",
    "password_changed": "The password is changed. Sign in again.",
}
"""What was done, by the word in `?done=`; other words are ignored, so that a link cannot put sentences on a page."""


def of_field(code: str) -> str:
    """Return the sentence of a field's code."""
    return CODES.get(code, sentence(code) + ".")


def of_error(error: errors.DaycountError) -> str:
    """Return what is said at the top of a form that was refused."""
    match error:
        case errors.Invalid():
            return "Nothing was saved. Look at what is marked."
        case errors.BadRequest():
            return f"Nothing was saved: {error.message}."
        case errors.Forbidden():
            return "Your role does not allow this."
        case errors.NotFound():
            return f"{sentence(error.resource)} not found; nothing was saved."
        case _:
            return REFUSALS.get(error.code, f"This is not possible now: {sentence(error.code).lower()}.")


def by_field(error: errors.DaycountError | None) -> dict[str, str]:
    """Return the sentences of an error by the field they belong to; nested fields are joined by points."""
    if not isinstance(error, errors.Invalid):
        return {}
    found: dict[str, str] = {}
    _collect(error.details, "", found)
    return found


def _collect(details: Mapping[str, Any], prefix: str, found: dict[str, str]) -> None:
    for field, codes in details.items():
        name = f"{prefix}{field}"
        if isinstance(codes, Mapping):
            _collect(codes, f"{name}.", found)
        else:
            found[name] = " ".join(of_field(str(code)) for code in codes)
