"""What the platform refuses because of the number, its account, its token or a limit; each code by its real cause."""

from datetime import UTC, datetime, timedelta

import pytest

from messaging.emulator import platform as platform_calls
from messaging.emulator import template_api
from messaging.emulator.client import EmulatorRefused
from messaging.emulator.records import MANAGEMENT, MESSAGING
from messaging.emulator.standing import TROUBLES
from messaging.emulator.testing import run_emulator

from .conftest import BODY, EVA, NUMBER, TOKEN, WABA, Platform, body_of, code_of

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
ADVERT = [{"type": "BODY", "text": "Neu bei uns!"}]
AMERICAN, CANADIAN = "+12125550123", "+14165550123"


@pytest.fixture
def advert(emulator):
    emulator.add_template(waba_id=WABA, name="werbung", language="de", category="MARKETING", components=ADVERT)


def to_eva(platform, **more):
    return platform.template(body_of("a", "b"), **more)


@pytest.mark.parametrize(("trouble", "code"), sorted(TROUBLES.items()))
def test_an_account_in_trouble_answers_with_its_code(platform, emulator, advert, trouble, code):
    emulator.patch_number(NUMBER, trouble=trouble)
    assert code_of(platform.template(name="werbung")) == code
    only_marketing = trouble in ("marketing_off", "misclassified")
    utility = to_eva(platform)
    assert utility[0] == 200 if only_marketing else code_of(utility) == code
    emulator.patch_number(NUMBER, trouble="")
    assert platform.template(name="werbung")[0] == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"name_status": "PENDING_REVIEW"}, 131037),
        ({"name_status": "DECLINED"}, 131037),
        ({"name_status": "AVAILABLE_WITHOUT_REVIEW"}, None),
        ({"allowed": ["+43 1 0000000", "4366499"]}, 131030),
        ({"allowed": [EVA]}, None),
        ({"status": "RATE_LIMITED"}, 133010),
        ({"status": "DELETED"}, 133010),
    ],
)
def test_a_numbers_own_state(platform, emulator, change, code):
    emulator.patch_number(NUMBER, **change)
    answer = to_eva(platform)
    assert answer[0] == 200 if code is None else code_of(answer) == code
    receipt = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.x"}
    refused = code_of(platform.call("POST", f"{NUMBER}/messages", receipt))
    assert refused == (code if code in (131037, 133010) else 131009)


def test_the_list_of_a_test_number_is_compared_as_it_is_spelled(platform, emulator):
    emulator.patch_number(NUMBER, allowed=["541100001234"])
    emulator.customer_writes("+5491100001234", NUMBER, "Hola")
    assert code_of(platform.text(to="5491100001234")) == 131030
    assert platform.text(to="541100001234")[0] == 200


def test_a_deleted_number(platform, emulator):
    emulator.register_number("2", waba_id=WABA, phone="+4915112345679", token=TOKEN)
    emulator.delete_number(NUMBER)
    assert code_of(to_eva(platform)) == 33
    assert platform.call("GET", NUMBER)[1]["error"]["error_subcode"] == 33
    assert [one["id"] for one in platform.call("GET", f"{WABA}/phone_numbers")[1]["data"]] == ["2"]
    emulator.register_number(NUMBER)
    assert to_eva(platform)[0] == 200


# --- the token ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("scopes", "send", "manage"),
    [([MESSAGING], None, 200), ([MANAGEMENT], 10, None), ([], 3, 3), ([MESSAGING, MANAGEMENT], None, None)],
)
def test_a_token_does_what_it_is_permitted(platform, emulator, scopes, send, manage):
    emulator.patch_number(NUMBER, scopes=scopes)
    sent, listed = to_eva(platform), platform.call("GET", f"{WABA}/message_templates")
    assert sent[0] == 200 if send is None else code_of(sent) == send
    assert listed[0] == 200 if manage is None else code_of(listed) == manage
    for path in (NUMBER, WABA, f"{WABA}/phone_numbers", f"{WABA}/subscribed_apps"):
        assert (platform.call("GET", path)[0] == 200) is (manage is None)
    told = platform.call("GET", f"debug_token?input_token={TOKEN}")[1]["data"]
    assert sorted(told["scopes"]) == sorted(scopes)


def test_what_is_no_token_at_all(platform):
    assert code_of(platform.call("GET", NUMBER, authorization="Basic abc")) == 0
    assert code_of(platform.call("GET", NUMBER, authorization="Bearer ")) == 190
    assert code_of(platform.call("GET", "debug_token")) == 100
    assert platform.raw("GET", f"/v26.0/{NUMBER}?access_token={TOKEN}", authorization="")[0] == 200


# --- registering -------------------------------------------------------------------------------------
def register(platform, pin="123456", **more):
    return platform.call("POST", f"{NUMBER}/register", {"messaging_product": "whatsapp", "pin": pin} | more)


def test_a_number_is_registered_again_with_its_pin(platform, emulator):
    assert register(platform) == (200, {"success": True})
    assert platform.call("POST", f"{NUMBER}/deregister") == (200, {"success": True})
    assert code_of(to_eva(platform)) == 133010
    assert code_of(register(platform, pin="654321")) == 131031
    assert code_of(register(platform, pin="12345")) == 100
    assert code_of(register(platform, messaging_product="sms")) == 100
    assert register(platform)[0] == 200
    assert to_eva(platform)[0] == 200
    assert platform.call("GET", f"{NUMBER}?fields=is_pin_enabled")[1]["is_pin_enabled"] is True
    emulator.patch_number(NUMBER, status="BANNED")
    assert code_of(register(platform)) == 131031


def test_ten_tries_to_register_in_72_hours(platform, emulator):
    emulator.set_clock(NOON)
    assert [register(platform)[0] for _ in range(10)] == [200] * 10
    assert code_of(register(platform)) == 133016
    assert code_of(platform.call("POST", f"{NUMBER}/deregister")) == 133016
    emulator.set_clock(NOON + timedelta(hours=72))
    assert register(platform)[0] == 200


# --- limits ------------------------------------------------------------------------------------------
def test_customers_outside_their_window_are_counted_in_a_moving_day(platform, emulator):
    emulator.set_clock(NOON)
    emulator.patch_number(NUMBER, limit=2, limit_checked=True)
    emulator.customer_writes("+43664999", NUMBER, "Hallo")
    assert [to_eva(platform, to=f"+4366400{i}")[0] for i in (1, 2, 1)] == [200] * 3
    assert to_eva(platform, to="+43664999")[0] == 200  # inside the window
    assert code_of(to_eva(platform, to="+43664003")) == 131048
    emulator.set_clock(NOON + timedelta(hours=24))
    assert to_eva(platform, to="+43664003")[0] == 200
    emulator.patch_number(NUMBER, limit=-1)
    assert [to_eva(platform, to=f"+4366401{i}")[0] for i in range(3)] == [200] * 3


def test_the_limit_is_only_shown_unless_it_is_to_be_kept(platform, emulator):
    emulator.patch_number(NUMBER, limit=1)
    assert [to_eva(platform, to=f"+4366400{i}")[0] for i in range(3)] == [200] * 3


def test_management_calls_are_counted_by_the_hour(platform, emulator, monkeypatch):
    monkeypatch.setattr(platform_calls, "MANAGEMENT_CALLS", 2)
    emulator.set_clock(NOON)
    assert [platform.call("GET", NUMBER)[0] for _ in range(2)] == [200, 200]
    assert code_of(platform.call("GET", f"{WABA}/message_templates")) == 80007
    assert to_eva(platform)[0] == 200
    emulator.set_clock(NOON + timedelta(hours=1))
    assert platform.call("GET", NUMBER)[0] == 200


def test_created_templates_are_counted_by_the_hour_and_in_all(platform, emulator, monkeypatch):
    monkeypatch.setattr(template_api, "CREATED_AN_HOUR", 1)
    emulator.set_clock(NOON)

    def create(name):
        components = [{"type": "BODY", "text": "Guten Tag."}]
        body = {"name": name, "language": "de", "category": "UTILITY", "components": components}
        return platform.call("POST", f"{WABA}/message_templates", body)

    assert create("eins")[0] == 200
    assert code_of(create("zwei")) == 80007
    emulator.set_clock(NOON + timedelta(hours=1))
    assert create("zwei")[0] == 200
    monkeypatch.setattr(template_api, "TEMPLATES_AT_MOST", 3)
    assert create("drei")[1]["error"]["error_subcode"] == 2388019


# --- marketing ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("traits", "code"),
    [({"in_experiment": True}, 130472), ({"marketing_stopped": True}, 131050), ({"marketing_a_day": 0}, 131049)],
)
def test_marketing_that_a_customer_does_not_get(platform, emulator, webhook, advert, traits, code):
    emulator.patch_customer(EVA, **traits)
    platform.template(name="werbung")
    assert webhook.statuses(1)[0]["errors"][0]["code"] == code
    to_eva(platform)
    assert [one["status"] for one in webhook.statuses(3)] == ["failed", "sent", "delivered"]


def test_the_cap_on_marketing_is_a_moving_days(platform, emulator, webhook, advert):
    emulator.set_clock(NOON)
    emulator.patch_customer(EVA, marketing_a_day=1)
    for _ in range(2):
        platform.template(name="werbung")
    assert sorted(one["status"] for one in webhook.statuses(3)) == ["delivered", "failed", "sent"]
    emulator.set_clock(NOON + timedelta(hours=24))
    platform.template(name="werbung")
    assert [one["status"] for one in webhook.statuses(5)[3:]] == ["sent", "delivered"]


@pytest.mark.parametrize(("phone", "arrives"), [(AMERICAN, False), (CANADIAN, True)])
def test_marketing_does_not_go_to_the_united_states(platform, webhook, advert, phone, arrives):
    platform.template(name="werbung", to=phone)
    status = webhook.statuses(1)[0]
    assert status["status"] == ("sent" if arrives else "failed")
    assert arrives or status["errors"][0]["code"] == 131049


def test_an_answer_to_an_advertisement_is_free_for_three_days(platform, emulator, webhook):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo", referral={"source_type": "ad", "source_id": "1"})

    def price(count):
        to_eva(platform)
        return webhook.statuses(count)[-1]["pricing"]

    assert (price(2)["type"], price(4)["billable"]) == ("free_entry_point", False)
    emulator.set_clock(NOON + timedelta(hours=72))
    assert price(6)["type"] == "free_entry_point"
    emulator.set_clock(NOON + timedelta(hours=72, seconds=1))
    assert price(8)["type"] == "regular"


def test_a_late_answer_to_an_advertisement_is_not_free(platform, emulator, webhook):
    emulator.set_clock(NOON)
    emulator.customer_writes(EVA, NUMBER, "Hallo", referral={"source_type": "ad"})
    emulator.set_clock(NOON + timedelta(hours=24, seconds=1))
    to_eva(platform)
    assert webhook.statuses(1)[0]["pricing"]["type"] == "regular"


# --- what cannot be ordered, and what survives -------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "order"),
    [
        (f"numbers/{NUMBER}", {"trouble": "tired"}),
        (f"numbers/{NUMBER}", {"allowed": "+43"}),
        (f"numbers/{NUMBER}", {"scopes": [1]}),
        (f"customers/{EVA}", {"marketing_a_day": -1}),
        (f"customers/{EVA}", {"user_id": "7"}),
        (f"customers/{EVA}", {"user_id": "DE.x-y"}),
        (f"customers/{EVA}", {"user_id": "DE." + "1" * 129}),
    ],
)
def test_a_state_that_cannot_be_is_refused(emulator, path, order):
    with pytest.raises(EmulatorRefused):
        emulator.call("PATCH", path, order)


def test_a_user_id_belongs_to_one_customer(emulator):
    emulator.patch_customer(EVA, user_id="DE.7")
    with pytest.raises(EmulatorRefused, match="another customer"):
        emulator.patch_customer("+43664000", user_id="DE.7")


def test_the_clock_and_a_deleted_name_survive_a_restart(tmp_path):
    with run_emulator(tmp_path) as first:
        first.client.register_number(NUMBER, waba_id=WABA, phone="+4915112345678", token=TOKEN)
        first.client.add_template(waba_id=WABA, name="termin", language="de", components=BODY)
        first.client.set_clock(NOON)
        assert Platform(first.url).call("DELETE", f"{WABA}/message_templates?name=termin")[0] == 200
    with run_emulator(tmp_path) as second:
        assert second.client.call("GET", "clock") == {"now": NOON.isoformat(), "fixed": True}
        new = {"name": "termin", "language": "de", "category": "UTILITY", "components": ADVERT}
        answer = Platform(second.url).call("POST", f"{WABA}/message_templates", new)
        assert answer[1]["error"]["error_subcode"] == 2388023
        second.client.set_clock(NOON + timedelta(days=30))
        assert Platform(second.url).call("POST", f"{WABA}/message_templates", new)[0] == 200
