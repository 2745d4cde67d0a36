"""Every address of the admin. It is for staff: nobody and members of workspaces are sent to the login.

Staff without a permission get 403; what staff with every permission get stands here.
"""

from typing import NamedTuple

# Django makes these five for every registered model; history that nobody adds to refuses with 403.
OF_A_MODEL = ("changelist", "add", "history", "delete", "change")
# Models of other packages that have pages in our admin.
FOREIGN_MODELS = frozenset(
    {"auth_group", "account_emailaddress", "django_q_schedule", "django_q_success", "django_q_failure"}
)


class StaffPage(NamedTuple):
    """What staff with every permission get, and whether the page belongs to a model's permissions."""

    get: int
    post: int
    is_guarded: bool = True


# Beside those five.
OURS: dict[str, StaffPage] = {
    "auth_user_password_change": StaffPage(200, 200),
    "messaging_sender_send": StaffPage(200, 422),
    "messaging_message_outbox": StaffPage(200, 200),
    "messaging_message_retry": StaffPage(200, 302),
    "messaging_webhookevent_range": StaffPage(200, 302),
    "automations_run_retry": StaffPage(200, 302),
    "automations_run_leases": StaffPage(200, 200),
    "automations_wait_due": StaffPage(200, 200),
    "workspaces_queuedtask_machinery": StaffPage(200, 200),
    "workspaces_bulkjob_start": StaffPage(405, 302),
    "workspaces_bulkjob_stop": StaffPage(405, 302),
    "automations_flow_trigger": StaffPage(200, 302),
    "automations_flow_validate": StaffPage(405, 302),
    "automations_flow_publish": StaffPage(405, 302),
    "automations_flow_switch": StaffPage(405, 302),
    "automations_flow_try": StaffPage(200, 422),
    "automations_flow_add_step": StaffPage(200, 200),
    "automations_flow_step": StaffPage(200, 422),
    "automations_flow_move_step": StaffPage(405, 302),
    "automations_flow_remove_step": StaffPage(200, 302),
}

# Django's own. Not guarded: open to any member of staff.
DJANGOS: dict[str, StaffPage] = {
    "index": StaffPage(200, 200, is_guarded=False),
    "password_change": StaffPage(200, 200, is_guarded=False),
    "password_change_done": StaffPage(200, 405, is_guarded=False),
    "jsi18n": StaffPage(200, 405, is_guarded=False),
    "autocomplete": StaffPage(403, 405),
    "app_list": StaffPage(200, 200),
    "view_on_site": StaffPage(404, 404, is_guarded=False),
}
# The door itself.
DOORS = frozenset({"login", "logout"})
# Django's redirects of old addresses and its catch-all; they go by route.
REDIRECTS = "<path:object_id>/"
CATCH_ALL = "admin/(?P<url>.*)$"
