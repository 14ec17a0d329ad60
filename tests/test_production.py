"""A production from an empty database to the first page, on PostgreSQL."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests import production

ROOT = Path(__file__).resolve().parent.parent
NAME = "portal_production"
FIRST_STEPS = """
import os, time
os.environ["DJANGO_SETTINGS_MODULE"] = "refundportal.settings"
import django
django.setup()
from django.core.cache import cache
from django.test import Client
from events.tasks import sequence_events
from refundportal.bell import ring
cache.set("a", 1)
print(cache.get("a"))
before = time.monotonic()
ring(sequence_events)
print(time.monotonic() - before < 5)
here = {"Host": "refunds.example.com"}
print(Client().get("/account/login/", headers=here)["Location"])
answer = Client().get("/account/login/", headers=here, secure=True)
print(answer.status_code, answer["Strict-Transport-Security"])
print(all(cookie["secure"] and cookie["httponly"] for cookie in answer.cookies.values()))
"""


@pytest.fixture
def environment(tmp_path):
    database = settings.DATABASES["default"]
    server = f"{database['USER']}@{database['HOST']}:{database['PORT']}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {NAME}")
        cursor.execute(f"CREATE DATABASE {NAME}")
    return production.environment(
        DATABASE_URL=f"postgres://{server}/{NAME}",
        VAR_DIR=str(tmp_path),
        # Nobody listens there: a bell that is not heard fails nothing.
        REDIS_URL="redis://127.0.0.1:1/0",
    )


def run(environment, *command):
    process = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_production_stands_after_the_steps_of_the_readme(environment):
    run(environment, "manage.py", "migrate", "--verbosity", "0")
    run(environment, "manage.py", "collectstatic", "--noinput", "--verbosity", "0")
    checked = run(
        environment, "manage.py", "check", "--deploy", "--database", "default", "--fail-level", "WARNING"
    )
    lines = run(environment, "-c", FIRST_STEPS).split("\n")

    assert "no issues (0 silenced)" in checked
    assert lines[:3] == ["1", "True", "https://refunds.example.com/account/login/"]
    assert lines[3].startswith("200 max-age=31536000; includeSubDomains; preload")
    assert lines[4] == "True"
