FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements.lock .
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN for po in config/locale/*/LC_MESSAGES/django.po; do \
        /venv/bin/pybabel -q compile -i "$po" -o "${po%.po}.mo" -l "$(basename "$(dirname "$(dirname "$po")")")"; \
    done
# Collecting files needs no secret and no database; the keys made here stay in this stage.
RUN DATA_DIR=/tmp/build DJANGO_SETTINGS_MODULE=config.settings.production \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home botenwerk && install -d -o botenwerk /data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings.production \
    DATA_DIR=/data \
    WEB_HOST=0.0.0.0
USER botenwerk
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
# The supervisor is process 1 and reaps; no init program in between, it must not pass signals to whole groups.
CMD ["python", "-m", "config.supervisor"]
