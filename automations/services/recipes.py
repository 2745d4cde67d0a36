"""Installing recipes: needs become things of the workspace, texts become the workspace's language, and it runs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from assistants.models import Assistant
from automations.errors import RecipeNeedsMore
from automations.models import Flow, Step
from automations.recipes import Recipe, load_recipe
from automations.services.editing import add_step, create_flow, set_trigger
from automations.services.publishing import publish_flow, switch_flow
from messaging.models import Sender, Template
from workspaces.models import Workspace
from workspaces.services.audit import Actor


def install_recipe(
    *,
    workspace: Workspace,
    key: str,
    edition: str = "plain",
    chosen: Mapping[str, Sender | Template | Assistant] | None = None,
    switch_on: bool = True,
    by: Actor,
    now: datetime,
) -> Flow:
    """Make the recipe's flow in the workspace's language, publish it and switch it on.

    What `chosen` leaves out is found: the first sender in use, a template by its name, the first assistant.
    Raises RecipeNeedsMore naming what is missing; then nothing was made.
    """
    recipe = load_recipe(key)
    given = _fulfilled(recipe, edition, workspace, dict(chosen or {}))
    plan = _in_language(recipe.editions[edition], workspace.language, given)
    with transaction.atomic():
        flow = create_flow(workspace=workspace, name=plan["name"], by=by, now=now, leads=plan["leads"])
        flow.recipe = f"{key}:{edition}"
        flow.save(update_fields=["recipe"])
        set_trigger(flow=flow, type=plan["trigger"]["type"], config=plan["trigger"]["config"], by=by)
        _add_steps(flow, plan["steps"], parent=None, lane="")
        publish_flow(flow=flow, by=by, now=now)
        flow.refresh_from_db()
        if switch_on:
            switch_flow(flow=flow, is_on=True, by=by, now=now)
    return flow


def _add_steps(flow: Flow, steps: list[dict[str, Any]], *, parent: Step | None, lane: str) -> None:
    for planned in steps:
        step = add_step(
            flow=flow,
            type=planned["type"],
            name=planned["name"],
            key=planned["key"],
            config=planned["config"],
            parent=parent,
            lane=lane,
            on_failure=planned.get("on_failure", Step.OnFailure.STOP),
            retry=planned.get("retry"),
        )
        for lane_key, inner in planned.get("lanes", {}).items():
            _add_steps(flow, inner, parent=step, lane=lane_key)


def _fulfilled(
    recipe: Recipe, edition: str, workspace: Workspace, chosen: dict[str, Sender | Template | Assistant]
) -> dict[str, str]:
    """Each need's name with what stands for it in settings: a public id, or a template's name."""
    found: dict[str, str] = {}
    missing: list[str] = []
    sender = chosen.get("sender") or Sender.objects.in_workspace(workspace).filter(retired_at=None).first()
    for name, need in recipe.needs_of(edition).items():
        thing: Any = chosen.get(name)
        if thing is None and need["kind"] == "sender":
            thing = sender
        elif thing is None and need["kind"] == "assistant":
            thing = Assistant.objects.in_workspace(workspace).order_by("id").first()
        elif thing is None and need["kind"] == "template":
            thing = (
                Template.objects.in_workspace(workspace)
                .filter(
                    name=need["name"],
                    status=Template.Status.APPROVED,
                    business_account_id=getattr(sender, "business_account_id", ""),
                )
                .first()
            )
        if thing is None:
            missing.append(need.get("name") or name)
        else:
            found[name] = thing.name if isinstance(thing, Template) else str(thing.public_id)
    if missing:
        raise RecipeNeedsMore(missing=", ".join(missing))
    return found


def _in_language(value: Any, language: str, needs: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"need"}:
            return needs[value["need"]]
        if value and set(value) <= {"de", "en"}:
            return value.get(language) or value["en"]
        return {name: _in_language(inner, language, needs) for name, inner in value.items()}
    if isinstance(value, list):
        return [_in_language(inner, language, needs) for inner in value]
    return value
