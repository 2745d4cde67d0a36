"""Settings shared by every way of running Botenwerk. The environment is read here and nowhere else."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from config.settings.environment import (
    boolean,
    env,
    field_keys,
    integer,
    mail,
    new_field_key,
    new_secret_key,
    postgres,
    secret,
    url,
)

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / ".local"))).resolve()
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR {DATA_DIR} cannot be made: {error.strerror}.") from None

SECRETS_DIR = DATA_DIR / "secrets"
SECRET_KEY = secret(SECRETS_DIR, "SECRET_KEY", new_secret_key)
# Newest first: the first key encrypts, all of them decrypt. `manage.py reencrypt` moves rows to the first.
FIELD_KEYS = field_keys(secret(SECRETS_DIR, "FIELD_KEYS", new_field_key))

DEBUG = False
PORT = integer("PORT", 8000, minimum=1, maximum=65_535)
PUBLIC_URL = url("PUBLIC_URL", f"http://127.0.0.1:{PORT}", schemes=("http", "https")).rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
DEMO = boolean("DEMO", default=False)

INSTALLED_APPS = [
    "workspaces",
    "assistants",
    "messaging",
    "automations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "allauth",
    "allauth.account",
    "csp",
    "django_filters",
    "django_htmx",
    "django_q",
    "drf_spectacular",
    "phonenumber_field",
    "rest_framework",
]

MIDDLEWARE = [
    # First: a probe has no session, no host name and no TLS.
    "config.health.front.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Behind the static files, which need no line.
    "config.request_log.RequestLogMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "workspaces.middleware.WorkspaceMiddleware",
    "workspaces.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "workspaces.context_processors.frame",
            ],
        },
    }
]

# Widgets' templates are ours too (templates/automations/widgets).
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Database -----------------------------------------------------------------------------------
DATABASE_URL = url("DATABASE_URL", "", schemes=("postgres", "postgresql"))
if DATABASE_URL:
    DATABASES = {"default": postgres(DATABASE_URL)}
    DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    # A server that is gone without a word is found within seconds, and the webhook answers 503 meanwhile.
    _GONE = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    DATABASES["default"]["OPTIONS"] = {**_GONE, **DATABASES["default"].get("OPTIONS", {})}
else:
    DATABASES = {
        "default": {
            # WAL, IMMEDIATE and a fair write lock: workspaces/sqlite says why.
            "ENGINE": "workspaces.sqlite",
            "NAME": str(DATA_DIR / "botenwerk.sqlite3"),
            "CONN_MAX_AGE": 60,
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: broker and cache --------------------------------------------------------------------
REDIS_URL = url("REDIS_URL", "", schemes=("redis", "rediss"))
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            # A login asks it; one that hangs must not hold a thread.
            "OPTIONS": {"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
        }
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}

# --- Watching -----------------------------------------------------------------------------------
# Who may read /metrics from elsewhere sends it as a bearer token; without one only this machine may.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# --- People -------------------------------------------------------------------------------------
AUTH_USER_MODEL = "workspaces.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_ADAPTER = "workspaces.accounts.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# No mail to addresses without an account: it would advertise a sign-up that there is not.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
# Locked out for five minutes after five failures for an address, and by the caller's network address.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
ALLAUTH_TRUSTED_PROXY_COUNT = integer("TRUSTED_PROXIES", 0)
EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = str(DATA_DIR / "mail")
if EMAIL_URL := env.str("EMAIL_URL", default=""):
    globals().update(mail(EMAIL_URL))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Botenwerk <botenwerk@localhost>")

# --- Language and time --------------------------------------------------------------------------
LANGUAGE_CODE = "de"
LANGUAGES = [("de", _("German")), ("en", _("English"))]
FORMAT_MODULE_PATH = "config.formats"
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
PHONENUMBER_DB_FORMAT = "E164"

# --- Files --------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = DATA_DIR / "media"
# The platform's webhooks go to 3 MB, Django's default stops at 2.5.
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# --- WhatsApp -----------------------------------------------------------------------------------
WHATSAPP_GRAPH_VERSION = env.str("WHATSAPP_GRAPH_VERSION", default="v26.0")
# One app for many numbers: its secret and verify token serve the app's own webhook address.
WHATSAPP_APP_SECRET = env.str("WHATSAPP_APP_SECRET", default="")
WHATSAPP_VERIFY_TOKEN = env.str("WHATSAPP_VERIFY_TOKEN", default="")
# The addresses a provider may be called at: the installation's, never a tenant's.
PROVIDER_ADDRESSES = {"cloud_api": "https://graph.facebook.com"}
# Where a platform keeps files: answers name these hosts, and the token goes to no other.
PROVIDER_MEDIA_ADDRESSES = {"cloud_api": ["https://lookaside.fbsbx.com"]}
EMULATOR_URL = url("EMULATOR_URL", "", schemes=("http", "https")).rstrip("/")
if EMULATOR_URL:
    PROVIDER_ADDRESSES["emulator"] = EMULATOR_URL
# What all numbers of one workspace may send together: the share of the installation that one tenant gets.
WORKSPACE_MESSAGES_PER_SECOND = integer("WORKSPACE_MESSAGES_PER_SECOND", 500, minimum=1)
# Model endpoints on the own network that assistants may call (host:port), besides public addresses.
MODEL_HOSTS_ALLOWED = env.list("MODEL_HOSTS_ALLOWED", default=[])
# Hosts on the own network that HTTP steps may call (host:port).
HTTP_STEP_HOSTS_ALLOWED = env.list("HTTP_STEP_HOSTS_ALLOWED", default=[])

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["workspaces.api.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["workspaces.api.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "workspaces.api.schema.WorkspaceSchema",
    "EXCEPTION_HANDLER": "workspaces.api.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Botenwerk",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "MessageStatus": "messaging.models.Message.Status",
        "SenderStatus": "messaging.models.Sender.Status",
        "TemplateStatus": "messaging.models.Template.Status",
        "RunStatus": "automations.models.Run.Status",
        "StepRunStatus": "automations.models.StepRun.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "workspaces.api.schema.declare_problems",
    ],
}

# --- Security -----------------------------------------------------------------------------------
from csp.constants import NONE, SELF  # noqa: E402

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "media-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# auth.W004: e-mail addresses are unique in any case, by a constraint that Django's check does not see.
SILENCED_SYSTEM_CHECKS: list[str] = ["auth.W004"]

from config.settings.logging import *  # noqa: E402
from config.settings.queue import *  # noqa: E402
from config.settings.web import *  # noqa: E402
