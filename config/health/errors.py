"""What a request gets that failed inside: 503 where the database or Redis is away or full (it will pass), else 500."""

import sys

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader
from redis import RedisError

from workspaces.api.errors import DatabaseAway
from workspaces.api.problems import DATABASE_AWAY_SECONDS, MEDIA_TYPE, problem
from workspaces.errors import BotenwerkError


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500, in urls.py; nothing here touches the database. The API gets a problem, pages words."""
    error = sys.exc_info()[1]
    is_database = isinstance(error, OperationalError | InterfaceError)
    is_away = is_database or isinstance(error, RedisError)
    if is_database:
        # The next request begins with a connection that is tried anew.
        connection.close_if_unusable_or_obsolete()
    if request.path_info.startswith("/api/"):
        return _problem(is_database)
    page = loader.get_template("503.html" if is_away else "500.html")
    return _marked(HttpResponse(page.render({"is_database": is_database}), status=503 if is_away else 500), is_away)


def _problem(is_away: bool) -> HttpResponse:
    error = DatabaseAway() if is_away else BotenwerkError()
    return _marked(JsonResponse(problem(error), status=error.http_status, content_type=MEDIA_TYPE), is_away)


def _marked(response: HttpResponse, is_away: bool) -> HttpResponse:
    if is_away:
        response.headers["Retry-After"] = str(DATABASE_AWAY_SECONDS)
    return response
