"""The pages of the product, for the tests of every page and for the screenshots. A name is a picture's name."""

import re
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.sync_api import Page

UUID = r"[0-9a-f]{8}-[0-9a-f-]{27}"


@dataclass(frozen=True)
class Address:
    """One page: its name, its path ({slug} and ids are filled in), and who looks at it."""

    name: str
    path: str
    who: str = "owner"
    # What has to be done on the page before it is looked at: what is clicked.
    click: str = ""


PUBLIC = (
    Address("login", "/accounts/login/", "nobody"),
    Address("password-reset", "/accounts/password/reset/", "nobody"),
    Address("password-reset-done", "/accounts/password/reset/done/", "nobody"),
    Address("password-changed", "/accounts/password/reset/key/done/", "nobody"),
    Address("inactive", "/accounts/inactive/", "nobody"),
)
OWN = (
    Address("today", "/w/{slug}/"),
    Address("inbox", "/w/{slug}/inbox/"),
    Address("inbox-thread", "/w/{slug}/inbox/{open}/"),
    Address("inbox-template", "/w/{slug}/inbox/{open}/", click=".composer-other"),
    Address("simulator", "/w/{slug}/simulator/"),
    Address("senders", "/w/{slug}/senders/"),
    Address("sender", "/w/{slug}/senders/{sender}/"),
    Address("sender-connect", "/w/{slug}/senders/connect/"),
    Address("templates", "/w/{slug}/templates/"),
    Address("template", "/w/{slug}/templates/{template}/"),
    Address("flows", "/w/{slug}/flows/"),
    Address("flow-new", "/w/{slug}/flows/new/"),
    Address("recipes", "/w/{slug}/flows/recipes/"),
    Address("builder", "/w/{slug}/flows/{flow}/"),
    Address("builder-trigger", "/w/{slug}/flows/{flow}/?step=trigger"),
    Address("builder-triggers", "/w/{slug}/flows/{flow}/?step=trigger&type="),
    Address("builder-step", "/w/{slug}/flows/{flow}/?step={step}"),
    Address("builder-add", "/w/{slug}/flows/{flow}/?add&parent=&lane=&position=1"),
    Address("builder-settings", "/w/{slug}/flows/{flow}/?settings"),
    Address("builder-publish", "/w/{slug}/flows/{flow}/publish/"),
    Address("builder-try", "/w/{slug}/flows/{flow}/try/"),
    Address("flow-versions", "/w/{slug}/flows/{flow}/versions/"),
    Address("flow-version", "/w/{slug}/flows/{flow}/versions/1/"),
    Address("runs", "/w/{slug}/runs/"),
    Address("runs-failed", "/w/{slug}/runs/?status=failed"),
    Address("run", "/w/{slug}/runs/{run}/"),
    Address("run-failed", "/w/{slug}/runs/{failed}/"),
    Address("components", "/styleguide/"),
    Address("not-found", "/w/{slug}/runs/00000000-0000-7000-8000-000000000000/"),
    Address("logout", "/accounts/logout/"),
)
EMPTY = tuple(
    Address(f"empty-{name}", f"/w/leer/{path}")
    for name, path in (
        ("today", ""),
        ("inbox", "inbox/"),
        ("simulator", "simulator/"),
        ("senders", "senders/"),
        ("templates", "templates/"),
        ("flows", "flows/"),
        ("runs", "runs/"),
    )
)
ADMIN = (
    Address("admin", "/admin/", "staff"),
    Address("admin-flows", "/admin/automations/flow/", "staff"),
    Address("admin-flow-add", "/admin/automations/flow/add/", "staff"),
    Address("admin-flow", "/admin/automations/flow/1/change/", "staff"),
    Address("admin-flow-trigger", "/admin/automations/flow/1/trigger/?choose", "staff"),
    Address("admin-flow-try", "/admin/automations/flow/1/try/", "staff"),
    Address("admin-runs", "/admin/automations/run/", "staff"),
    Address("admin-run", "/admin/automations/run/1/change/", "staff"),
    Address("admin-decisions", "/admin/automations/triggerdecision/", "staff"),
    Address("admin-senders", "/admin/messaging/sender/", "staff"),
    Address("admin-sender", "/admin/messaging/sender/1/change/", "staff"),
    Address("admin-sender-send", "/admin/messaging/sender/1/send/", "staff"),
    Address("admin-messages", "/admin/messaging/message/", "staff"),
    Address("admin-outbox", "/admin/messaging/message/outbox/", "staff"),
    Address("admin-messages-retry", "/admin/messaging/message/retry/", "staff"),
    Address("admin-webhooks", "/admin/messaging/webhookevent/", "staff"),
    Address("admin-webhooks-range", "/admin/messaging/webhookevent/range/", "staff"),
    Address("admin-inbound", "/admin/messaging/inboundlog/", "staff"),
    Address("admin-leases", "/admin/automations/run/leases/", "staff"),
    Address("admin-runs-retry", "/admin/automations/run/retry/", "staff"),
    Address("admin-waits-due", "/admin/automations/wait/due/", "staff"),
    Address("admin-machinery", "/admin/workspaces/queuedtask/machinery/", "staff"),
    Address("admin-bulk-jobs", "/admin/workspaces/bulkjob/", "staff"),
    Address("admin-workspace", "/admin/workspaces/workspace/1/change/", "staff"),
)
ALL = (*PUBLIC, *OWN, *EMPTY, *ADMIN)
# A workspace without anything, which the demo's owner owns too.
MAKE_EMPTY = """
from workspaces.models import Membership, Role, User, Workspace
owner = User.objects.get(email="{email}")
empty, _made = Workspace.objects.get_or_create(slug="leer", defaults={{"name": "Neue Praxis", "language": "de"}})
Membership.objects.get_or_create(workspace=empty, user=owner, defaults={{"role": Role.OWNER}})
"""


def find_ids(facts: dict[str, Any], page: Page) -> dict[str, str]:
    """What fills in the paths: rows of the demo, found by its API and, where that has none, on its pages."""
    headers = {"Authorization": f"Bearer {facts['api_key']}"}
    with httpx.Client(base_url=f"{facts['web']}/api/v1", headers=headers, trust_env=False) as api:
        flows = api.get("/flows").json()["results"]
        templates = api.get("/templates").json()["results"]
        runs = api.get("/runs").json()["results"]
        failed = api.get("/runs", params={"status": "failed"}).json()["results"]
    slug = facts["workspace"]
    flow = next(one for one in flows if one["name"].startswith("Nach dem Anruf")) if _has(flows) else flows[0]
    page.goto(f"{facts['web']}/w/{slug}/inbox/")
    (opened, *_rest) = re.findall(rf"/w/{slug}/inbox/({UUID})/", page.content())
    page.goto(f"{facts['web']}/w/{slug}/flows/{flow['id']}/")
    step = re.findall(r"step=([-\w]+)", page.content())
    return {
        "slug": slug,
        "open": opened,
        "flow": flow["id"],
        "step": next(key for key in step if key != "trigger"),
        "run": runs[0]["id"],
        "failed": (failed or runs)[0]["id"],
        "sender": facts["senders"][0]["id"],
        "template": next(one["id"] for one in templates if one["name"] == "termin_erinnerung"),
    }


def _has(flows: list[dict[str, Any]]) -> bool:
    return any(one["name"].startswith("Nach dem Anruf") for one in flows)


def show(page: Page, base: str, address: Address, ids: dict[str, str]) -> int:
    """Open the page and do what its picture needs; returns the status."""
    answer = page.goto(base + address.path.format(**ids))
    if address.click:
        with page.expect_response(lambda response: response.request.resource_type == "xhr"):
            page.click(address.click)
        page.wait_for_timeout(100)
    return answer.status if answer else 0


def log_in(page: Page, base: str, login: dict[str, str]) -> None:
    """Through the login page, as a person does."""
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", login["email"])
    page.fill("[name=password]", login["password"])
    page.press("[name=password]", "Enter")
    page.wait_for_url(re.compile(r"/w/|/$"))
