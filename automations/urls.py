"""Pages of automations."""

from django.urls import URLPattern, URLResolver, path

from automations.views import editor, flow_list, partials, publishing, runs

_FLOW = "w/<slug:slug>/flows/<uuid:flow_id>"
_RUN = "w/<slug:slug>/runs/<uuid:run_id>"

urlpatterns: list[URLPattern | URLResolver] = [
    path("w/<slug:slug>/flows/", flow_list.flow_list, name="flows"),
    path("w/<slug:slug>/flows/new/", flow_list.flow_new, name="flow_new"),
    path("w/<slug:slug>/flows/recipes/", flow_list.recipes, name="recipes"),
    path("w/<slug:slug>/flows/recipes/<slug:key>/install/", flow_list.recipe_install, name="recipe_install"),
    path(f"{_FLOW}/", editor.flow_page, name="flow"),
    path(f"{_FLOW}/settings/", editor.flow_settings, name="flow_settings"),
    path(f"{_FLOW}/trigger/", editor.trigger_save, name="flow_trigger"),
    path(f"{_FLOW}/steps/add/", editor.step_add, name="step_add"),
    path(f"{_FLOW}/steps/<slug:key>/save/", editor.step_save, name="step_save"),
    path(f"{_FLOW}/steps/<slug:key>/show/", editor.step_show, name="step_show"),
    path(f"{_FLOW}/steps/<slug:key>/move/", editor.step_move, name="step_move"),
    path(f"{_FLOW}/steps/<slug:key>/remove/", editor.step_remove, name="step_remove"),
    path(f"{_FLOW}/switch/", flow_list.flow_switch, name="flow_switch"),
    path(f"{_FLOW}/publish/", publishing.flow_publish, name="flow_publish"),
    path(f"{_FLOW}/try/", publishing.flow_try, name="flow_try"),
    path(f"{_FLOW}/start/", publishing.flow_start, name="flow_start"),
    path(f"{_FLOW}/versions/", publishing.flow_versions, name="flow_versions"),
    path(f"{_FLOW}/versions/<int:number>/", publishing.flow_version, name="flow_version"),
    path("w/<slug:slug>/runs/", runs.run_list, name="runs"),
    path("w/<slug:slug>/runs/retry/", runs.runs_retry, name="runs_retry"),
    path(f"{_RUN}/", runs.run_detail, name="run"),
    path("w/<slug:slug>/parts/runs/", partials.runs_summary, name="runs_summary"),
    path("w/<slug:slug>/parts/contacts/<uuid:contact_id>/runs/", partials.contact_runs, name="contact_runs"),
    path("w/<slug:slug>/parts/templates/<uuid:template_id>/flows/", partials.template_usage, name="template_usage"),
    path(f"{_RUN}/picture/", runs.run_picture, name="run_picture"),
    path(f"{_RUN}/cancel/", runs.run_cancel, name="run_cancel"),
    path(f"{_RUN}/resume/", runs.run_resume, name="run_resume"),
    path(f"{_RUN}/retry/", runs.run_retry, name="run_retry"),
    path(f"{_RUN}/again/", runs.run_again, name="run_again"),
]
