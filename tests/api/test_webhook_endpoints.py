"""Webhook endpoints over HTTP."""

from typing import Any

from lago_python_client.client import Client
from lago_python_client.models.webhook_endpoint import WebhookEndpoint

from tests.support.server import HOST, Api

URL = "https://example.com/hooks"


def make(api: Api, **fields: Any) -> Any:
    return api.ok("POST", "/webhook_endpoints", {"webhook_endpoint": {"webhook_url": URL} | fields})["webhook_endpoint"]


def refused(api: Api, *, method: str = "POST", path: str = "/webhook_endpoints", **fields: Any) -> Any:
    reply = api.call(method, path, {"webhook_endpoint": fields})
    assert (reply.status, reply.body["code"]) == (422, "validation_errors"), reply
    return reply.body["error_details"]


def test_an_endpoint_is_made_changed_and_deleted(sandbox: Api) -> None:
    made = make(sandbox, name="Production", event_types=[" Invoice.Created ", "invoice.created", "customer.created"])
    organization = sandbox.ok("GET", "/organizations")["organization"]
    assert made == {
        "lago_id": made["lago_id"],
        "lago_organization_id": organization["lago_id"],
        "webhook_url": URL,
        "signature_algo": "jwt",
        "name": "Production",
        "event_types": ["invoice.created", "customer.created"],
        "created_at": "2026-07-01T00:00:00Z",
        "secret": None,
    }
    path = f"/webhook_endpoints/{made['lago_id']}"
    assert sandbox.ok("GET", path)["webhook_endpoint"] == made
    sent = {"webhook_endpoint": {"webhook_url": URL + "/2", "signature_algo": "hmac"}}
    changed = sandbox.ok("PUT", path, sent)["webhook_endpoint"]
    assert changed == made | {"webhook_url": URL + "/2", "signature_algo": "hmac", "secret": organization["hmac_key"]}
    everything = sandbox.ok("PUT", path, {"webhook_endpoint": {"event_types": None, "name": None}})["webhook_endpoint"]
    assert everything["event_types"] is None
    sandbox.ok("PUT", path, {"webhook_endpoint": {"event_types": ["customer.created"]}})
    everything = sandbox.ok("PUT", path, {"webhook_endpoint": {"event_types": ["*"], "name": None}})["webhook_endpoint"]
    assert (everything["event_types"], everything["name"]) == (None, None)
    assert sandbox.ok("DELETE", path)["webhook_endpoint"] == everything
    for method, body in (("GET", None), ("DELETE", None), ("PUT", sent)):
        reply = sandbox.call(method, path, body)
        assert (reply.status, reply.body["code"]) == (404, "webhook_endpoint_not_found")


def test_what_cannot_be_an_endpoint_is_refused(sandbox: Api) -> None:
    made = make(sandbox)
    assert refused(sandbox, webhook_url=URL) == {"webhook_url": ["value_already_exist"]}
    assert refused(sandbox, signature_algo="hmac") == {"webhook_url": ["value_is_mandatory"]}
    for url in ("example.com", "ftp://example.com", "http://", "https://exa mple.com/", "http://[::1", "http://example.com:port/"):
        assert refused(sandbox, webhook_url=url) == {"webhook_url": ["url_is_invalid"]}, url
    assert refused(sandbox, webhook_url="https://a.example", signature_algo="md5") == {"signature_algo": ["value_is_invalid"]}
    assert refused(sandbox, webhook_url="https://a.example", event_types="invoice.created") == {"event_types": ["must_be_array"]}
    unknown = refused(sandbox, webhook_url="https://a.example", event_types=["invoice.created", "invoice.paid", "x"])
    assert unknown == {"event_types": ["contains invalid types: invoice.paid, x"]}
    other = make(sandbox, webhook_url="https://a.example")
    path = f"/webhook_endpoints/{other['lago_id']}"
    assert refused(sandbox, method="PUT", path=path, webhook_url=URL) == {"webhook_url": ["value_already_exist"]}
    assert refused(sandbox, method="PUT", path=path, webhook_url=None) == {"webhook_url": ["value_is_mandatory"]}
    assert [item["lago_id"] for item in sandbox.ok("GET", "/webhook_endpoints")["webhook_endpoints"]] == [other["lago_id"], made["lago_id"]]


def test_an_organization_has_ten_endpoints_at_most(sandbox: Api) -> None:
    for number in range(10):
        make(sandbox, webhook_url=f"{URL}/{number}")
    assert refused(sandbox, webhook_url=f"{URL}/10") == {"base": ["exceeded_limit"]}
    listed = sandbox.ok("GET", "/webhook_endpoints", query={"page": 2, "per_page": 4})
    assert [item["webhook_url"] for item in listed["webhook_endpoints"]] == [f"{URL}/{number}" for number in range(4, 8)]
    assert listed["meta"] == {"current_page": 2, "next_page": 3, "prev_page": 1, "total_pages": 3, "total_count": 10}


def test_the_organization_names_its_first_endpoint(sandbox: Api) -> None:
    assert sandbox.ok("GET", "/organizations")["organization"]["webhook_url"] is None
    changed = sandbox.ok("PUT", "/organizations", {"organization": {"webhook_url": URL}})["organization"]
    assert (changed["webhook_url"], changed["webhook_urls"]) == (URL, [URL])
    sandbox.ok("PUT", "/organizations", {"organization": {"webhook_url": URL + "/2"}})
    assert [item["webhook_url"] for item in sandbox.ok("GET", "/webhook_endpoints")["webhook_endpoints"]] == [URL + "/2"]


def test_the_published_client_manages_endpoints(sandbox: Api) -> None:
    lago = Client(api_key=str(sandbox.key), api_url=f"http://{HOST}:{sandbox.port}")
    made = lago.webhook_endpoints.create(WebhookEndpoint(webhook_url=URL, signature_algo="hmac"))
    assert (made.webhook_url, made.signature_algo) == (URL, "hmac")
    changed = lago.webhook_endpoints.update(WebhookEndpoint(webhook_url=URL, event_types=["invoice.created"]), made.lago_id)
    assert changed.event_types == ["invoice.created"]
    assert lago.webhook_endpoints.find(made.lago_id).lago_id == made.lago_id
    assert [item.lago_id for item in lago.webhook_endpoints.find_all()["webhook_endpoints"]] == [made.lago_id]
    assert lago.webhook_endpoints.destroy(made.lago_id).lago_id == made.lago_id
