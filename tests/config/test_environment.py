"""Settings come from the environment: each wrong variable stops the start and is named; secrets are made once."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from workspaces.secret_files import read_or_create

ROOT = Path(__file__).parents[2]
PRODUCTION = "config.settings.production"


def start(
    folder: Path, code: str = "", settings: str = "config.settings.production", **variables: str
) -> tuple[int, str]:
    """Read the settings in a process of their own: its exit code, and what it said."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {**kept, "DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": settings, **variables}
    program = f"from django.conf import settings; settings.DEBUG; {code}"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("PORT", "http", "PORT must be a whole number, not 'http'."),
        ("PORT", "70000", "PORT must be between 1 and 65535, not 70000."),
        ("WEB_THREADS", "0", "WEB_THREADS must be at least 1, not 0."),
        ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES must be at least 0, not -1."),
        ("DEMO", "maybe", "DEMO must be 1 or 0, not 'maybe'."),
        ("PUBLIC_URL", "bot.example.org", "PUBLIC_URL must start with one of http://, https://."),
        ("DATABASE_URL", "mysql://u:p@h/n", "DATABASE_URL must start with one of postgres://, postgresql://."),
        ("DATABASE_URL", "postgres://u:p@h:5432", "DATABASE_URL must read postgres://user:password@host:5432/name."),
        ("DATABASE_URL", "postgres://u:p@h:port/n", "DATABASE_URL must read postgres://user:password@host:5432/name."),
        ("REDIS_URL", "localhost:6379", "REDIS_URL must start with one of redis://, rediss://."),
        ("EMAIL_URL", "mail.example.org", "EMAIL_URL must start with one of smtp://"),
        ("FIELD_KEYS", "too-short", "FIELD_KEYS: key 1 of 1 is not 32 bytes in URL-safe base64."),
        ("FIELD_KEYS", f"{'A' * 43}= x", "FIELD_KEYS: key 2 of 2 is not"),
        ("DATA_DIR", "/dev/null/here", "DATA_DIR /dev/null/here cannot be made: Not a directory."),
    ],
)
def test_a_wrong_variable_stops_the_start_and_is_named(tmp_path: Path, variable: str, value: str, says: str) -> None:
    code, said = start(tmp_path, **{variable: value})
    assert code == 1
    assert f"ImproperlyConfigured: {says}" in said.splitlines()[-1]


def test_nothing_at_all_has_to_be_set(tmp_path: Path) -> None:
    code, said = start(tmp_path, "print(settings.DATABASES['default']['NAME'])", settings="config.settings.local")
    assert (code, said) == (0, str(tmp_path / "botenwerk.sqlite3"))


def test_secrets_are_made_on_the_first_run_for_their_owner_only(tmp_path: Path) -> None:
    show = "print(settings.SECRET_KEY, *settings.FIELD_KEYS)"
    first, again = start(tmp_path, show), start(tmp_path, show)
    assert first == again
    assert len(first[1].split()) == 2
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    kept = sorted(folder.iterdir())
    assert [path.name for path in kept] == ["field_keys", "secret_key"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}


def test_the_environment_goes_before_the_files(tmp_path: Path) -> None:
    assert start(tmp_path, "print(settings.SECRET_KEY)", SECRET_KEY="mine") == (0, "mine")
    assert not (tmp_path / "secrets" / "secret_key").exists()


def test_a_secret_that_was_lost_is_not_made_anew_in_silence(tmp_path: Path) -> None:
    """An emptied file: with a new key every token in the database would be unreadable."""
    start(tmp_path)
    (tmp_path / "secrets" / "field_keys").write_text("")
    code, said = start(tmp_path)
    assert code == 1
    assert f"{tmp_path}/secrets/field_keys is empty: put the secret back, or set FIELD_KEYS." in said


def test_processes_that_start_at_once_agree_on_a_secret(tmp_path: Path) -> None:
    """Web, workers and clock begin together in containers of their own."""
    made = iter(f"secret-{number}" for number in range(1000))
    with ThreadPoolExecutor(16) as pool:
        for attempt in range(40):
            folder = tmp_path / str(attempt)
            read = list(
                pool.map(lambda _n, folder=folder: read_or_create(folder, "key", lambda: next(made)), range(16))
            )
            assert len(set(read)) == 1
            assert read[0].startswith("secret-")
            assert [path.name for path in folder.iterdir()] == ["key"]
