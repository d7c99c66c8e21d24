"""Signing in, the first set-up of a server, and taking an invitation."""

from daycount import errors
from daycount.dashboard import security
from daycount.dashboard.accounts import operations, store
from daycount.dashboard.accounts.records import Role
from daycount.dashboard.entrance import Arrival
from daycount.dashboard.http import Response, redirect, safe_return, set_cookie
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit
from daycount.money import CURRENCIES
from daycount.organizations.operations import create_organization, is_admin

pages = Pages()
_YEAR_S = 31_536_000
CURRENCY_OPTIONS = [(code, code) for code in sorted(CURRENCIES)]


@pages.get("/sign-in", access="public")
def show_sign_in(arrival: Arrival) -> Response:
    """Ask for address and password."""
    if not store.has_users(arrival.tx):
        return redirect("/setup")
    if arrival.token is not None and operations.find_session(arrival.tx, token=arrival.token, now=arrival.now) is not None:
        return redirect("/")
    return arrival.render("sign_in.html", title="Sign in", next=safe_return(arrival.query.one("next")))


@pages.post("/sign-in", access="public")
def sign_in(arrival: Arrival) -> Response:
    """Begin a session."""
    form, target = arrival.form, safe_return(arrival.form.one("next"))
    password = next((value for name, value in form.pairs if name == "password"), "")
    try:
        signed_in = operations.sign_in(
            arrival.tx,
            new_id=arrival.new_id,
            now=arrival.now,
            email=form.one("email"),
            password=password,
            client=arrival.request.client,
            previous=arrival.token,
        )
    except errors.Busy as error:
        arrival.refused = error
        return arrival.render("sign_in.html", title="Sign in", status=429, next=target)
    if signed_in is None:
        arrival.keeps = True
        return arrival.render("sign_in.html", title="Sign in", status=422, next=target, is_wrong=True)
    return arrival.admit(signed_in.token, redirect(target))


@pages.post("/sign-out")
def sign_out(visit: Visit) -> Response:
    """End the session."""
    store.delete_session(visit.work.tx, digest=visit.session.digest)
    return redirect("/sign-in", {"done": "signed_out"})


@pages.get("/setup", access="public")
def show_setup(arrival: Arrival) -> Response:
    """Offer to make the first organization and its administrator; only while nobody can sign in."""
    if store.has_users(arrival.tx):
        return redirect("/sign-in")
    return arrival.render("setup.html", title="Set Daycount up", currencies=CURRENCY_OPTIONS, needs_token=not arrival.is_local)


@pages.post("/setup", access="public")
def set_up(arrival: Arrival) -> Response:
    """Make the first organization and its administrator. From another machine it takes the server's admin token."""
    if store.has_users(arrival.tx):
        return redirect("/sign-in")
    form = arrival.form
    password = next((value for name, value in form.pairs if name == "password"), "")
    try:
        _require_admin_token(arrival)
        user = operations.create_user(
            arrival.tx, new_id=arrival.new_id, now=arrival.now, email=form.one("email"), name=form.one("name_of_user"), password=password
        )
        organization, key = create_organization(
            arrival.tx,
            new_id=arrival.new_id,
            real_now=arrival.now,
            name=form.one("organization"),
            email=None,
            country=None,
            timezone=form.one("timezone") or None,
            default_currency=form.one("currency") or None,
            document_number_prefix=None,
            frozen_time=arrival.now.replace(microsecond=0) if form.has("sandbox") else None,
        )
    except errors.Invalid as error:
        arrival.tx.rollback()
        arrival.refused = error
        return arrival.render(
            "setup.html", title="Set Daycount up", status=422, currencies=CURRENCY_OPTIONS, needs_token=not arrival.is_local
        )
    store.put_membership(arrival.tx, organization_id=organization.id, user_id=user.id, role=Role.ADMIN, now=arrival.now)
    signed_in = operations.begin_session(arrival.tx, user_id=user.id, now=arrival.now, organization_id=organization.id)
    return arrival.admit(
        signed_in.token,
        arrival.render(
            "setup_done.html", title="Daycount is set up", key=key, organization=organization.name, url=arrival.settings.public_url
        ),
    )


def _require_admin_token(arrival: Arrival) -> None:
    """Raise Invalid (token) where a stranger from another machine does not know the server's admin token."""
    if arrival.is_local:
        return
    configured = arrival.settings.admin_token
    secret = configured.get_secret_value() if configured else None
    if not is_admin(arrival.tx, token=arrival.form.one("token"), configured=secret):
        raise errors.Invalid({"token": ["wrong_token"]})


@pages.get("/invitations/{token}", access="public")
def show_invitation(arrival: Arrival) -> Response:
    """Show who invites, and ask for a password."""
    invitation = operations.get_invitation(arrival.tx, token=arrival.path["token"], now=arrival.now)
    is_known = store.find_user(arrival.tx, invitation.email) is not None
    return arrival.render("invitation.html", title=f"Join {invitation.organization_name}", invitation=invitation, is_known=is_known)


@pages.post("/invitations/{token}", access="public")
def accept_invitation(arrival: Arrival) -> Response:
    """Become a member."""
    invitation = operations.get_invitation(arrival.tx, token=arrival.path["token"], now=arrival.now)
    is_known = store.find_user(arrival.tx, invitation.email) is not None
    password = next((value for name, value in arrival.form.pairs if name == "password"), "")
    try:
        signed_in = operations.accept_invitation(
            arrival.tx,
            new_id=arrival.new_id,
            now=arrival.now,
            token=arrival.path["token"],
            name=arrival.form.one("name"),
            password=password,
            client=arrival.request.client,
        )
    except (errors.Invalid, errors.Busy) as error:
        arrival.refused = error
        arrival.keeps = isinstance(error, errors.Invalid) and is_known
        title = f"Join {invitation.organization_name}"
        return arrival.render("invitation.html", title=title, status=422, invitation=invitation, is_known=is_known)
    return arrival.admit(signed_in.token, redirect("/"))


@pages.post("/theme")
def choose_theme(visit: Visit) -> Response:
    """Keep a theme in a cookie, and go back to where the form was."""
    chosen = visit.form.one("theme")
    response = redirect(safe_return(visit.form.one("back")))
    is_known = chosen in ("light", "dark")
    return response.with_headers(
        set_cookie("daycount_theme", chosen if is_known else "", max_age_s=_YEAR_S if is_known else 0, is_secure=False)
    )


@pages.post("/switch")
def switch_organization(visit: Visit) -> Response:
    """Look at another organization that the user belongs to. Raises NotFound for any other."""
    chosen = visit.form.one("organization")
    found = next((item for item in visit.session.memberships if str(item.organization_id) == chosen), None)
    if found is None:
        raise errors.NotFound("organization")
    store.choose_organization(visit.work.tx, digest=visit.session.digest, organization_id=found.organization_id)
    return redirect("/", {"done": "switched"})


assert security.FIELD == "csrf", "templates write this name"
