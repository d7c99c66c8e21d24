"""Members of the organization: who may come in, with which role, and who is invited."""

from uuid import UUID

from daycount import errors
from daycount.dashboard.accounts import operations, store
from daycount.dashboard.accounts.records import ROLE_MEANINGS, Role
from daycount.dashboard.http import Response, path_to, redirect
from daycount.dashboard.routing import Pages
from daycount.dashboard.visit import Visit

pages = Pages()


@pages.get("/members", access="admin")
def list_members(visit: Visit) -> Response:
    """List members and open invitations."""
    return _show(visit)


def _show(visit: Visit, *, status: int = 200, link: str | None = None) -> Response:
    tx, organization_id = visit.work.tx, visit.organization.id
    return visit.render(
        "members.html",
        status=status,
        title="Members",
        nav="members",
        members=store.list_members(tx, organization_id=organization_id),
        invitations=store.list_invitations(tx, organization_id=organization_id, now=visit.real_now),
        roles=[(role.value, role.value.title()) for role in Role],
        meanings=ROLE_MEANINGS,
        link=link,
    )


@pages.post("/members/invite", access="admin")
def invite_member(visit: Visit) -> Response:
    """Offer a membership; the link is shown once, to be handed over."""
    token = visit.attempt(
        lambda: operations.invite(
            visit.work.tx,
            new_id=visit.work.new_id,
            now=visit.real_now,
            organization_id=visit.organization.id,
            email=visit.form.one("email"),
            role=_role(visit),
        )
    )
    if token is None:
        return _show(visit, status=422)
    return _show(visit, link=visit.public_url + path_to("/invitations/{}", token))


@pages.post("/members/{user_id}/role", access="admin")
def change_role(visit: Visit) -> Response:
    """Give a member another role."""
    if visit.attempt(lambda: _change(visit)) is None:
        return _refused(visit)
    return redirect("/members", {"done": "role_changed"})


def _refused(visit: Visit) -> Response:
    if isinstance(visit.refused, errors.NotFound):
        raise visit.refused
    return _show(visit, status=409)


def _change(visit: Visit) -> bool:
    operations.change_role(
        visit.work.tx, organization_id=visit.organization.id, user_id=_user_id(visit), role=_role(visit), now=visit.real_now
    )
    return True


@pages.post("/members/{user_id}/remove", access="admin")
def remove_member(visit: Visit) -> Response:
    """Take a membership away."""

    def remove() -> bool:
        operations.remove_member(visit.work.tx, organization_id=visit.organization.id, user_id=_user_id(visit))
        return True

    if visit.attempt(remove) is None:
        return _refused(visit)
    return redirect("/members", {"done": "member_removed"})


@pages.post("/invitations/{id}/withdraw", access="admin")
def withdraw_invitation(visit: Visit) -> Response:
    """Take an invitation back. Raises NotFound."""
    if not store.delete_invitation(
        visit.work.tx, organization_id=visit.organization.id, invitation_id=_uuid(visit.path["id"], "invitation")
    ):
        raise errors.NotFound("invitation")
    return redirect("/members", {"done": "deleted"})


def _user_id(visit: Visit) -> UUID:
    return _uuid(visit.path["user_id"], "member")


def _uuid(text: str, resource: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise errors.NotFound(resource) from error


def _role(visit: Visit) -> Role:
    try:
        return Role(visit.form.one("role"))
    except ValueError as error:
        raise errors.Invalid({"role": ["value_is_invalid"]}) from error
