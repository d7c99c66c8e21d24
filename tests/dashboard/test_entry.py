"""Getting in: sign-in, what a session is worth, forms from elsewhere, roles, invitations, the switch between organizations."""

import itertools
import re
from hashlib import sha256
from pathlib import Path

import pytest

from daycount.dashboard.http import safe_return
from tests.support.browsing import Visitor
from tests.support.members import PASSWORD
from tests.support.server import Server

NUMBERS = itertools.count(1)


def a_user(server: Server, enter, role: str = "admin", email: str = "") -> str:
    address = email or f"user-{next(NUMBERS)}@example.com"
    enter(server.organization(), role, email=address)
    return address


def test_signing_in_leads_to_where_one_wanted_to_go(server: Server, enter) -> None:
    address = a_user(server, enter)
    visitor = Visitor(server)
    asked = visitor.request("GET", "/plans")

    seen = visitor.submit("/sign-in", {"email": address.upper(), "password": PASSWORD, "next": "/plans"}, form_on=asked.headers["location"])

    assert seen.path == "/plans"
    assert seen.title == "Plans"


def test_a_wrong_password_and_an_unknown_address_look_the_same(server: Server, enter) -> None:
    address = a_user(server, enter)

    wrong = Visitor(server).sign_in(address, "not the password")
    unknown = Visitor(server).sign_in("nobody@example.com", "not the password")

    assert (wrong.status, unknown.status) == (422, 422)
    assert "The e-mail address or the password is wrong." in wrong.words
    assert wrong.words.replace(address, "") == unknown.words.replace("nobody@example.com", "")


def test_the_sixth_attempt_is_refused_also_with_the_right_password(server: Server, enter) -> None:
    address = a_user(server, enter)
    visitor = Visitor(server)
    for _ in range(5):
        assert visitor.sign_in(address, "wrong password").status == 422

    seen = visitor.sign_in(address, PASSWORD)

    assert seen.status == 429
    assert "Too many attempts" in seen.words


def test_signing_in_ends_the_session_that_was_planted_before(server: Server, enter) -> None:
    visitor = enter(server.organization())
    address = a_user(server, enter)
    planted = visitor.cookies["daycount_session"]
    visitor.cookies = {"daycount_session": planted}
    page = visitor.request("GET", "/sign-in")
    assert page.status == 303, "whoever is signed in is not asked again"

    fresh = Visitor(server)
    form = fresh.look("/sign-in")
    token = re.search(r'name="csrf" value="([^"]+)"', form.text)
    assert token is not None
    fresh.cookies["daycount_session"] = planted
    seen = fresh.request("POST", "/sign-in", {"csrf": token.group(1), "email": address, "password": PASSWORD})

    assert seen.status == 303
    assert fresh.cookies["daycount_session"] != planted
    assert visitor.request("GET", "/").status == 303, "the planted session is over"


def test_cookies_are_out_of_the_reach_of_scripts(server: Server, enter) -> None:
    address = a_user(server, enter)
    visitor = Visitor(server)
    page = visitor.look("/sign-in")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None

    seen = visitor.request("POST", "/sign-in", {"csrf": token.group(1), "email": address, "password": PASSWORD})

    assert "HttpOnly" in page.headers["set-cookie"]
    assert "SameSite=Lax" in seen.headers["set-cookie"]


def test_signing_out_ends_the_session(server: Server, enter) -> None:
    visitor = enter(server.organization())
    kept = dict(visitor.cookies)

    seen = visitor.submit("/sign-out", form_on="/")
    visitor.cookies = kept

    assert "You are signed out." in seen.words
    assert visitor.request("GET", "/customers").status == 303


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"name": "x"}, {}),
        ({"csrf": "wrong", "name": "x"}, {}),
        ({"csrf": "", "name": "x"}, {}),
    ],
)
def test_a_form_without_the_sessions_token_does_nothing(server: Server, enter, fields, headers) -> None:
    api = server.organization()
    visitor = enter(api)

    seen = visitor.request("POST", "/customers/new", fields | {"external_id": "forged"}, headers)

    assert seen.status == 403
    assert api.call("GET", "/customers/forged").status == 404


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}])
def test_a_form_from_another_site_does_nothing(server: Server, enter, headers) -> None:
    api = server.organization()
    visitor = enter(api)
    page = visitor.look("/customers/new")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None

    seen = visitor.request("POST", "/customers/new", {"csrf": token.group(1), "external_id": "forged"}, headers)

    assert seen.status == 403
    assert api.call("GET", "/customers/forged").status == 404


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "\\/evil", "/a\\b"]
)
def test_nobody_is_sent_to_another_site(server: Server, enter, target: str) -> None:
    address = a_user(server, enter)
    visitor = Visitor(server)
    page = visitor.look("/sign-in")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token is not None

    seen = visitor.request("POST", "/sign-in", {"csrf": token.group(1), "email": address, "password": PASSWORD, "next": target})

    assert seen.headers["location"] == "/"
    assert safe_return(target) == "/"


def test_an_auditor_changes_nothing(server: Server, enter) -> None:
    api = server.organization()
    visitor = enter(api, "auditor")

    seen = visitor.submit("/customers/new", {"external_id": "acme", "name": "Acme"})

    assert seen.status == 422
    assert "Your role does not allow this." in seen.words
    assert api.call("GET", "/customers/acme").status == 404


def test_an_invitation_makes_a_member_once(server: Server, enter) -> None:
    api = server.organization(name="Inviting")
    admin = enter(api)
    seen = admin.submit("/members/invite", {"email": "new@example.com", "role": "finance"}, form_on="/members")
    found = re.search(r"data-copy=.http[^\"]*?(/invitations/[\w-]+)", seen.text)
    assert found is not None

    guest = Visitor(server)
    short = guest.submit(found.group(1), {"name": "New", "password": "short"})
    joined = guest.submit(found.group(1), {"name": "New", "password": PASSWORD})

    assert "This is too short." in short.words
    assert joined.title == "Home"
    assert "Inviting" in joined.words
    assert Visitor(server).request("GET", found.group(1)).status == 404
    assert guest.look("/members").status == 403


def test_somebody_stays_administrator(server: Server, enter) -> None:
    api = server.organization()
    admin = enter(api)
    page = admin.look("/members")
    found = re.search(r"/members/([\w-]+)/remove", page.text)
    assert found is not None

    refused = admin.submit(f"/members/{found.group(1)}/remove", form_on="/members")
    lowered = admin.submit(f"/members/{found.group(1)}/role", {"role": "auditor"}, form_on="/members")

    assert refused.status == 409
    assert "Somebody has to stay administrator." in refused.words
    assert lowered.status == 409
    assert admin.look("/members").status == 200


def test_the_switch_leads_only_to_own_organizations(server: Server, enter) -> None:
    first, second = server.organization(name="First"), server.organization(name="Second")
    strange = server.organization(name="Strange")
    visitor = enter(first, email="both@example.com")
    enter(second, email="both@example.com")
    second_id = second.ok("GET", "/organizations")["organization"]["lago_id"]
    strange_id = strange.ok("GET", "/organizations")["organization"]["lago_id"]

    switched = visitor.submit("/switch", {"organization": second_id}, form_on="/")
    refused = visitor.submit("/switch", {"organization": strange_id}, form_on="/")

    assert "Second" in re.findall(r'class="org-name">([^<]+)', switched.text)
    assert refused.status == 404


def test_a_path_that_is_no_page_is_html_for_browsers_and_json_for_clients(server: Server, enter) -> None:
    page = Visitor(server).request("GET", "/no/such/page")
    api = server.client(None).raw("GET", "/no/such/page")

    assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert api.status == 404
    assert api.body["code"] == "resource_not_found"


def test_the_script_of_others_is_what_they_published() -> None:
    folder = Path(__file__).resolve().parents[2] / "src/daycount/dashboard/static"
    published = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"

    assert sha256((folder / "htmx-4.0.1.min.js").read_bytes()).hexdigest() == published
    assert "Zero-Clause BSD" in (folder / "htmx-LICENSE.txt").read_text()
