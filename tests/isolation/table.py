"""Every address outside of the admin, and what it answers whom. One that is not here fails the test, one too many too.

A method without a status is not offered: 405 for who may use the address.
"""

from typing import Any, NamedTuple

from workspaces.models import Role

VIEWER, AGENT, EDITOR, ADMIN = Role.VIEWER, Role.AGENT, Role.EDITOR, Role.ADMIN


class Page(NamedTuple):
    """A page below /w/<slug>/. Nobody: 302 to the login. A stranger: 404. Below the least role: 403."""

    least: Role
    get: int | None = None
    post: int | None = None
    data: dict[str, str] = {}
    # Parts of the address that are no rows.
    parts: dict[str, str] = {}


class Endpoint(NamedTuple):
    """An endpoint of the API. Without a key: 401. A stranger's key: 404 for a row. A scope too many: 403."""

    scopes: dict[str, str]
    answers: dict[str, int]
    data: dict[str, Any] = {}


# The platform is away in these tests: what calls it answers 409. What lacks a value or cannot be done: 422.
PAGES: dict[str, Page] = {
    "today": Page(VIEWER, get=200),
    "solve_notice": Page(AGENT, post=302),
    "health_line": Page(Role.OWNER, get=200),
    "inbox": Page(VIEWER, get=200),
    "conversation": Page(VIEWER, get=200),
    "composer": Page(VIEWER, get=200, post=200),
    "send_text": Page(AGENT, post=422, data={"text": ""}),
    "send_template": Page(AGENT, post=422),
    "message_again": Page(AGENT, post=422),
    "message_arrived": Page(AGENT, post=302),
    "other_spelling": Page(AGENT, post=302),
    "take_over": Page(AGENT, post=302),
    "hand_back": Page(AGENT, post=302),
    "close_conversation": Page(AGENT, post=302),
    "media_file": Page(VIEWER, get=200),
    "simulator": Page(EDITOR, get=200),
    "simulator_write": Page(EDITOR, post=302),
    "simulator_customer": Page(EDITOR, post=422),
    "senders": Page(VIEWER, get=200),
    "connect_sender": Page(ADMIN, get=200, post=422),
    "sender": Page(VIEWER, get=200),
    "check_sender": Page(ADMIN, post=409),
    "pause_sender": Page(ADMIN, post=302),
    "resume_sender": Page(ADMIN, post=302),
    "switch_ai_answers": Page(ADMIN, post=302),
    "lost_answers": Page(ADMIN, post=422),
    "disconnect_sender": Page(ADMIN, post=422),
    "templates": Page(VIEWER, get=200),
    "sync_templates": Page(EDITOR, post=409),
    "template": Page(VIEWER, get=200),
    "test_template": Page(AGENT, post=422),
    "template_preview": Page(VIEWER, post=200),
    "flows": Page(VIEWER, get=200),
    "flow_new": Page(EDITOR, get=200, post=302, data={"name": "Neu"}),
    "recipes": Page(VIEWER, get=200),
    "recipe_install": Page(EDITOR, post=302, data={"edition": "plain"}, parts={"key": "first_answer"}),
    "flow": Page(VIEWER, get=200),
    "flow_settings": Page(EDITOR, post=302, data={"name": "Neu", "priority": "0"}),
    "flow_trigger": Page(EDITOR, post=302, data={"type": "conversation_started"}),
    "step_add": Page(EDITOR, post=302, data={"type": "stop"}),
    "step_save": Page(EDITOR, post=422),
    "step_show": Page(EDITOR, post=200),
    "step_move": Page(EDITOR, post=302, data={"to": "up"}),
    "step_remove": Page(EDITOR, post=200),
    "flow_switch": Page(EDITOR, post=302, data={"is_on": "0"}),
    "flow_publish": Page(EDITOR, get=200, post=302),
    "flow_try": Page(EDITOR, get=200, post=422),
    "flow_start": Page(EDITOR, get=200, post=302),
    "flow_versions": Page(VIEWER, get=200),
    "flow_version": Page(VIEWER, get=200),
    "runs": Page(VIEWER, get=200),
    "runs_retry": Page(EDITOR, post=302),
    "run": Page(VIEWER, get=200),
    "run_picture": Page(VIEWER, get=200),
    "runs_summary": Page(VIEWER, get=200),
    "contact_runs": Page(VIEWER, get=200),
    "template_usage": Page(VIEWER, get=200),
    "run_cancel": Page(EDITOR, post=422),
    "run_resume": Page(EDITOR, post=302),
    "run_retry": Page(EDITOR, post=302),
    "run_again": Page(EDITOR, post=302),
}

API: dict[str, Endpoint] = {
    "api_assistants": Endpoint({"GET": "assistants:read"}, {"GET": 200}),
    "api_assistant": Endpoint({"GET": "assistants:read"}, {"GET": 200}),
    "api_replies": Endpoint({"POST": "assistants:write"}, {"POST": 422}),
    "api_messages": Endpoint({"GET": "messages:read", "POST": "messages:write"}, {"GET": 200, "POST": 422}),
    "api_message": Endpoint({"GET": "messages:read"}, {"GET": 200}),
    "api_senders": Endpoint({"GET": "senders:read"}, {"GET": 200}),
    "api_sender": Endpoint({"GET": "senders:read"}, {"GET": 200}),
    "api_window": Endpoint({"GET": "senders:read"}, {"GET": 200}),
    "api_templates": Endpoint({"GET": "templates:read"}, {"GET": 200}),
    "api_template": Endpoint({"GET": "templates:read"}, {"GET": 200}),
    "api_events": Endpoint({"POST": "events:write"}, {"POST": 422}),
    "api_flows": Endpoint({"GET": "flows:read"}, {"GET": 200}),
    "api_flow": Endpoint({"GET": "flows:read"}, {"GET": 200}),
    "api_flow_runs": Endpoint({"POST": "flows:write"}, {"POST": 201}),
    "api_runs": Endpoint({"GET": "runs:read"}, {"GET": 200}),
    "api_run": Endpoint({"GET": "runs:read"}, {"GET": 200}),
    "api_run_retry": Endpoint({"POST": "runs:write"}, {"POST": 200}),
    "api_run_cancel": Endpoint({"POST": "runs:write"}, {"POST": 409}),
    "api_run_resume": Endpoint({"POST": "runs:write"}, {"POST": 200}),
}

# Public pages by name, with what they answer nobody: GET, POST without anything in it.
PUBLIC: dict[str, tuple[int, int]] = {
    "account_login": (200, 200),
    "account_logout": (302, 302),
    "account_inactive": (200, 405),
    "account_reset_password": (200, 200),
    "account_reset_password_done": (200, 405),
    "account_reset_password_from_key": (200, 200),
    "account_reset_password_from_key_done": (200, 405),
    # Language and appearance of whoever looks.
    "preferences": (405, 302),
    "api_schema": (200, 405),
    # The platform's: a verify token is asked for, and a signature.
    "app_webhook": (403, 403),
    "sender_webhook": (403, 403),
    # What no address of the API matches is a problem document.
    "api/v1/": (404, 404),
}

# For whoever is logged in, of no workspace. Nobody: 302 to the login.
PERSONAL: dict[str, int] = {"home": 302, "styleguide": 200}

# A stream: 401 for nobody (a redirect would be read as a stream), 404 for a stranger.
STREAMS = frozenset({"live"})
