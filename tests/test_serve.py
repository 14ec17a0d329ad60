"""The whole portal in one process, started as people start it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from refundportal.management.commands import serve

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, "manage.py"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def status_of(url):
    try:
        return urllib.request.urlopen(url, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code
    except (urllib.error.URLError, ConnectionError):
        return None


def wait_for(condition, limit_s=60):
    end = time.monotonic() + limit_s
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


@pytest.fixture
def environment(tmp_path):
    return {
        "PATH": os.environ["PATH"],
        "VAR_DIR": str(tmp_path),
        "LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }


def run_manage(environment, *command):
    return subprocess.run(
        [*MANAGE, *command],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_portal_is_served_works_beside_its_pages_and_stops_cleanly(environment, tmp_path):
    assert run_manage(environment, "migrate", "--verbosity", "0").returncode == 0
    assert run_manage(environment, "collectstatic", "--noinput", "--verbosity", "0").returncode == 0
    (tmp_path / "sign-in.txt").write_text("Alice alice@example.com\n")
    port = free_port()
    with (tmp_path / "output").open("w") as output:
        server = subprocess.Popen(
            [*MANAGE, "serve", "--port", str(port)], cwd=ROOT, env=environment, stdout=output, stderr=output
        )
    try:
        base = f"http://127.0.0.1:{port}"
        wait_for(lambda: status_of(f"{base}/readyz") == 200 or server.poll() is not None)
        assert status_of(f"{base}/readyz") == 200, (tmp_path / "output").read_text()
        assert status_of(f"{base}/account/login/") == 200
        assert status_of(f"{base}/admin/login/?next=/admin/") == 200
        assert status_of(f"{base}/nowhere-at-all/") == 404
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait(40)
    text = (tmp_path / "output").read_text()
    assert code == 0, text
    assert f"http://localhost:{port}/" in text
    assert "Alice alice@example.com" in text
    assert "Traceback" not in text
    assert "task_failed" not in text


def test_a_portal_whose_database_is_behind_is_not_served(environment):
    process = run_manage(environment, "serve", "--port", str(free_port()))

    assert process.returncode == 1
    assert "run `python manage.py migrate` first" in process.stderr


def test_the_embedded_server_does_not_run_in_production(settings):
    settings.PRODUCTION = True

    with pytest.raises(serve.CommandError, match="embedded"):
        serve.Command().handle(host="127.0.0.1", port=1, threads=1)
