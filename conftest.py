"""
The test harness: one run is on one database, SQLite (default) or PostgreSQL.

`pytest --db postgresql` (or TEST_DB=postgresql) starts a private server first; the database must be
known before any model is imported, so it is chosen while this file is read.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

BACKENDS = ("sqlite", "postgresql")
SETTINGS_FROM_OUTSIDE = [
    "REFUNDPORTAL_MODE",
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "FIELD_KEYS",
    "CLAMD_ADDRESS",
    "COMPANY_NAME",
    "COMPANY_IBAN",
    "COMPANY_BIC",
    "COMPANY_TIME_ZONE",
    "ANCHOR_EMAIL",
    "ANCHOR_FILE",
    "ALARM_EMAIL",
    "APPROVAL_LIMIT",
    "API_APPROVAL",
    "PAYOUT_RAILS",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRETS",
    "STRIPE_LIVEMODE",
    "STRIPE_API_BASE",
    "DEBUG",
    "DEBUG_CRASH_POINTS",
    "BASE_URL",
    "ALLOWED_HOSTS",
    "TRUSTED_PROXIES",
    "METRICS_FROM",
    "WEBHOOK_NETWORKS",
    "STAFF_SECOND_FACTOR",
    "MAIL_FROM",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USER",
    "SMTP_PASSWORD",
    "SMTP_SECURITY",
    "PRIVATE_FILES",
    "LOG_LEVEL",
    "LOG_FORMAT",
    "DJANGO_SETTINGS_MODULE",
]


def _chosen_backend() -> str:
    for place, argument in enumerate(sys.argv):
        if argument.startswith("--db="):
            return argument.removeprefix("--db=")
        if argument == "--db":
            return sys.argv[place + 1]
    return os.environ.get("TEST_DB") or "sqlite"


def _prepare() -> str:
    """Give this run its own folder and database; workers of the run find both in the environment."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        return os.environ["TEST_DB"]
    backend = _chosen_backend()
    if backend not in BACKENDS:
        pytest.exit(f"--db {backend}: allowed are {' and '.join(BACKENDS)}", returncode=4)
    for name in SETTINGS_FROM_OUTSIDE:
        os.environ.pop(name, None)
    folder = tempfile.mkdtemp(prefix="portal-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.makedirs(f"{folder}/static")
    os.environ.update(VAR_DIR=folder, TEST_DB=backend, DJANGO_SETTINGS_MODULE="refundportal.settings")
    if backend == "postgresql":
        from tests import cluster

        os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or cluster.start()
    return backend


BACKEND = _prepare()

import django
from django.conf import settings

if settings.configured and "PYTEST_XDIST_WORKER" not in os.environ:
    pytest.exit(
        "Settings were loaded before the database was chosen; unset DJANGO_SETTINGS_MODULE.", returncode=4
    )
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
django.setup()

from django.core.cache import cache
from django.test import TransactionTestCase

from tests.emptying import empty_the_database

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
_not_run: set[str] = set()
_skipped: set[str] = set()


TransactionTestCase._fixture_teardown = lambda test: empty_the_database()  # type: ignore[attr-defined]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", choices=BACKENDS, default=BACKEND, help="the database of this run")


def pytest_report_header() -> str:
    return f"database: {BACKEND}; chromium: {CHROMIUM or 'none'}"


def _reason_not_to_run(item: pytest.Item) -> str | None:
    if item.get_closest_marker("browser"):
        if BACKEND != "postgresql":
            return "in a browser: only on PostgreSQL"
        return None if CHROMIUM or CI else "in a browser: no Chromium here"
    tools = item.get_closest_marker("needs")
    missing = [tool for tool in tools.args if shutil.which(tool) is None] if tools else []
    if missing and not CI:
        return f"needs {', '.join(missing)}"
    if item.get_closest_marker("postgresql") and BACKEND != "postgresql":
        return "only on PostgreSQL"
    return None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what cannot run here; the end of the run names it."""
    left_out = {item: reason for item in items if (reason := _reason_not_to_run(item))}
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=list(left_out))
        _not_run.update(
            sorted({f"{item.nodeid.split('[')[0]} ({reason})" for item, reason in left_out.items()})
        )


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Hear from a worker of a parallel run what it left out."""
    _not_run.update(getattr(node, "workeroutput", {}).get("not_run", []))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.add(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the controller of a parallel run what was left out; in CI nothing may be skipped."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["not_run"] = sorted(_not_run)
    elif CI and _skipped and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _not_run:
        terminalreporter.section(f"not run here, on {BACKEND}")
        for line in sorted(_not_run):
            terminalreporter.line(line)
    if CI and _skipped:
        terminalreporter.section("skipped: a failure in CI", red=True)
        for line in sorted(_skipped):
            terminalreporter.line(line)


@pytest.fixture(autouse=True)
def _fresh_cache() -> None:
    """Rate limits live in the cache: no test inherits another's."""
    cache.clear()


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser."""
    if CHROMIUM is None:
        pytest.fail("no Chromium on this machine")
    return CHROMIUM


@pytest.fixture(autouse=True)
def _own_anchors(settings: Any, tmp_path: Path) -> None:
    """The journal is held against the seals that were kept: no test finds those of another's journal."""
    settings.ANCHOR_FILE = tmp_path / "anchors.jsonl"
