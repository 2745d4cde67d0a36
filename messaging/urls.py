"""Pages of messaging, and the webhook addresses."""

from django.urls import URLPattern, URLResolver, path

from messaging.views import answering, composer, conversations, media, senders, simulator, templates, today
from messaging.views.webhooks import WebhookView

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/whatsapp/", WebhookView.as_view(), name="app_webhook"),
    path("webhooks/whatsapp/<uuid:sender_id>/", WebhookView.as_view(), name="sender_webhook"),
    path("w/<slug:slug>/", today.today, name="today"),
    path("w/<slug:slug>/notices/<uuid:notice_id>/solve/", today.solve_notice, name="solve_notice"),
    path("w/<slug:slug>/inbox/", conversations.inbox, name="inbox"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/", conversations.conversation, name="conversation"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/composer/", composer.composer, name="composer"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/text/", answering.send_text_here, name="send_text"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/template/", answering.send_template_here, name="send_template"),
    path(
        "w/<slug:slug>/inbox/<uuid:conversation_id>/again/<uuid:message_id>/",
        answering.send_message_again,
        name="message_again",
    ),
    path(
        "w/<slug:slug>/inbox/<uuid:conversation_id>/arrived/<uuid:message_id>/",
        answering.mark_message_as_arrived,
        name="message_arrived",
    ),
    path(
        "w/<slug:slug>/inbox/<uuid:conversation_id>/other-spelling/",
        answering.use_other_spelling_here,
        name="other_spelling",
    ),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/take-over/", answering.take_over_here, name="take_over"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/hand-back/", answering.hand_back_here, name="hand_back"),
    path("w/<slug:slug>/inbox/<uuid:conversation_id>/close/", answering.close_here, name="close_conversation"),
    path("w/<slug:slug>/media/<uuid:media_id>/", media.media_file, name="media_file"),
    path("w/<slug:slug>/simulator/", simulator.simulator, name="simulator"),
    path("w/<slug:slug>/simulator/write/", simulator.write_as_customer, name="simulator_write"),
    path("w/<slug:slug>/simulator/customer/", simulator.choose_customer, name="simulator_customer"),
    path("w/<slug:slug>/senders/", senders.sender_list, name="senders"),
    path("w/<slug:slug>/senders/connect/", senders.connect, name="connect_sender"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/", senders.sender_detail, name="sender"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/check/", senders.check, name="check_sender"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/pause/", senders.pause, name="pause_sender"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/resume/", senders.resume, name="resume_sender"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/ai-answers/", senders.ai_answers, name="switch_ai_answers"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/lost-answers/", senders.lost_answers, name="lost_answers"),
    path("w/<slug:slug>/senders/<uuid:sender_id>/disconnect/", senders.disconnect, name="disconnect_sender"),
    path("w/<slug:slug>/templates/", templates.template_list, name="templates"),
    path("w/<slug:slug>/templates/sync/", templates.sync, name="sync_templates"),
    path("w/<slug:slug>/templates/<uuid:template_id>/", templates.template_detail, name="template"),
    path("w/<slug:slug>/templates/<uuid:template_id>/test/", templates.test_send, name="test_template"),
    path("w/<slug:slug>/templates/<uuid:template_id>/preview/", templates.preview, name="template_preview"),
]
