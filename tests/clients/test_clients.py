"""What needs more than Python: the template's cURL lines, and the published JavaScript client on Node."""

import json
import os
import subprocess
from pathlib import Path

from tests.support.server import Server

HERE = Path(__file__).parent


def test_the_templates_curl_lines_work_as_printed(server: Server) -> None:
    api = server.organization(at="2026-07-16T12:00:00Z")
    assert api.key is not None
    filled = {
        "__API_KEY__": api.key,
        "__BILLABLE_METRIC_CODE__": "active_users",
        "__PLAN_CODE__": "team_plan",
        "__EXTERNAL_CUSTOMER_ID__": "acme",
        "__EXTERNAL_SUBSCRIPTION_ID__": "acme_team",
        "__TRANSACTION_ID__": "seat-1",
    }
    environment = os.environ | {"LAGO_URL": f"http://127.0.0.1:{server.port}", "API_KEY": api.key}
    replies = []
    for command in (HERE / "seed.sh").read_text().split("# ---\n"):
        text = command
        for placeholder, value in filled.items():
            text = text.replace(placeholder, value)
        finished = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True, check=True)
        replies.append(json.loads(finished.stdout))
        if "billable_metric" in replies[-1]:
            filled["__BILLABLE_METRIC_ID__"] = replies[-1]["billable_metric"]["lago_id"]

    # One seat from 16 July in New York: 16 of 31 days of $10.00 are 0.51613 seats, $5.1613, $5.16.
    roots = [next(iter(reply)) for reply in replies]
    assert roots == ["billable_metric", "plan", "customer", "subscription", "event", "customer_usage"]
    usage = replies[-1]["customer_usage"]
    assert (usage["amount_cents"], usage["charges_usage"][0]["units"], usage["currency"]) == (516, "1.0", "USD")
    assert (usage["from_datetime"], usage["to_datetime"]) == ("2026-07-16T12:00:00Z", "2026-08-01T03:59:59Z")
    assert replies[4]["event"]["warnings"] == []


def test_the_published_javascript_client_runs_the_main_job(server: Server) -> None:
    api = server.organization(at="2026-07-01T04:00:00Z")
    assert api.key is not None
    environment = os.environ | {"DAYCOUNT_TEST_URL": f"http://127.0.0.1:{server.port}/api/v1", "DAYCOUNT_TEST_KEY": api.key}
    finished = subprocess.run(
        ["node", "--test", "seats.test.mjs"], cwd=HERE / "javascript", env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
