"""What holds for every page: it answers, says what it is, keeps to the policy, and shows nothing of another organization."""

import re

import pytest

from tests.api.world import World
from tests.dashboard.pages import FORMS, LISTS, objects
from tests.support.browsing import Seen
from tests.support.members import Members
from tests.support.server import Server
from tests.support.statements import Reader


def faults(seen: Seen) -> list[str]:
    """Return what is wrong with a page whatever it shows."""
    found = []
    if seen.status != 200:
        return [f"status {seen.status}: {seen.words[:200]}"]
    if len(re.findall(r"<h1[ >]", seen.text)) != 1:
        found.append("has not one h1")
    if re.search(r"<script(?![^>]*\ssrc=)", seen.text) or re.search(r"\son[a-z]+=", seen.text) or "javascript:" in seen.text:
        found.append("holds a script")
    if re.search(r"\sstyle=", seen.text) or "<style" in seen.text:
        found.append("holds a style")
    if re.search(r"(?:src|href|action)=\"(?:https?:)?//", seen.text):
        found.append("leads outside")
    if "=&#34;" in seen.text:
        found.append("holds an attribute that was escaped")
    ids = re.findall(r'\sid="([^"]+)"', seen.text)
    if len(ids) != len(set(ids)):
        found.append(f"has an id twice: {sorted({name for name in ids if ids.count(name) > 1})}")
    forms = re.findall(r'<form[^>]*method="post".*?</form>', seen.text, re.DOTALL)
    if any('name="csrf"' not in form for form in forms):
        found.append("has a form without a token")
    if "None" in seen.words.split() or "Undefined" in seen.words:
        found.append("says None")
    policy = seen.headers.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or seen.headers.get("cache-control") != "no-store":
        found.append("lacks headers")
    return found


def test_every_page_answers_and_keeps_to_the_policy(furnished: World, enter) -> None:
    visitor = enter(furnished.api)

    found = {path: faults(visitor.look(path)) for path in [*LISTS, *FORMS, *objects(furnished)]}

    assert {path: fault for path, fault in found.items() if fault} == {}


def test_no_page_takes_more_than_a_fixed_number_of_statements(furnished: World, server: Server) -> None:
    members = Members(server)
    reader = Reader(server, members.let_in(furnished.api))

    found = reader.excesses([*LISTS, *FORMS, *objects(furnished)])

    reader.close()
    members.close()
    assert found == {}


def test_pages_of_an_empty_organization_teach_the_next_step(server: Server, enter) -> None:
    visitor = enter(server.organization())

    found = {path: faults(visitor.look(path)) for path in [*LISTS, *FORMS]}

    assert {path: fault for path, fault in found.items() if fault} == {}
    assert "No customer yet" in visitor.look("/customers").words


def test_every_link_of_every_page_answers(furnished: World, enter) -> None:
    visitor = enter(furnished.api)
    known: dict[str, str] = {}
    waiting = ["/"]
    while waiting and len(known) < 250:
        path = waiting.pop(0)
        if path in known or path.startswith(("/static/", "/docs/", "/files/")) or "as=" in path:
            continue
        seen = visitor.look(path)
        known[path] = "" if seen.status == 200 else f"{seen.status} {seen.words[:120]}"
        waiting.extend(link for link in seen.links if link not in known)

    assert {path: fault for path, fault in known.items() if fault} == {}
    assert len(known) > 60


@pytest.mark.parametrize("role", ["manager", "finance", "auditor"])
def test_other_roles_read_every_page_but_keys_and_members(furnished: World, enter, role: str) -> None:
    visitor = enter(furnished.api, role)
    only_for_admins = ("/api-keys", "/members", "/webhook-endpoints")

    for path in [*LISTS, *objects(furnished)]:
        if path.endswith("/edit"):
            continue
        wanted = 403 if path.startswith(only_for_admins) else 200
        assert visitor.look(path).status == wanted, path


def test_no_page_shows_anything_of_another_organization(server: Server, furnished: World, enter) -> None:
    stranger = enter(server.organization())

    answers = {path: stranger.look(path).status for path in objects(furnished)}

    assert set(answers.values()) == {404}, answers


def test_without_a_session_every_page_asks_to_sign_in(furnished: World, enter, server: Server) -> None:
    from tests.support.browsing import Visitor

    nobody = Visitor(server)
    for path in [*LISTS, *FORMS, *objects(furnished)]:
        seen = nobody.request("GET", path)
        assert seen.status == 303, path
        assert seen.headers["location"].startswith("/sign-in"), path


def test_pages_show_the_reply_of_the_api_as_json(furnished: World, enter) -> None:
    visitor = enter(furnished.api)

    seen = visitor.look(f"/invoices/{furnished.invoice['lago_id']}?as=json")

    assert seen.status == 200
    assert f'"number": "{furnished.invoice["number"]}"' in seen.words


def test_lists_come_as_csv(furnished: World, enter) -> None:
    visitor = enter(furnished.api)

    for path in (
        *("/customers", "/subscriptions", "/invoices", "/payments", "/wallets", "/plans", "/billable-metrics", "/events", "/webhooks"),
        *("/logs", "/logs/requests", "/billing-runs", "/analytics/plans", "/analytics/customers", "/features"),
    ):
        seen = visitor.look(f"{path}?as=csv")
        assert seen.status == 200, path
        assert seen.headers["content-type"].startswith("text/csv"), path
        assert seen.text.count("\r\n") >= 2, path
    # a wallet of 100 credits of 1.00, of which 1 was taken back
    held = visitor.look("/analytics/wallets?as=csv&currency=EUR").text
    assert held == "End of,Wallets,They hold,They hold currency\r\nAug\u00a02026,1,99.00,EUR\r\n"
