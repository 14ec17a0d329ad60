"""JSON lines: what a file may hold, and the command that reads it."""

import io
import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from refunds.policy.lines import evaluate_line, evaluate_lines
from refunds.tests.malformed import sound

SOUND = json.dumps(sound()).encode()


def evaluated(*lines, zone="Europe/Berlin"):
    return [json.loads(text) for text, _ in evaluate_lines(lines, default_time_zone=zone)]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"{", id="unfinished"),
        pytest.param(SOUND + SOUND, id="two objects on one line"),
        pytest.param(SOUND + b"]", id="something after the object"),
        pytest.param(SOUND.replace(b'"1000.00"', b"NaN"), id="NaN"),
        pytest.param(SOUND.replace(b'"1000.00"', b"Infinity"), id="Infinity"),
        pytest.param(SOUND.replace(b'"1000.00"', b"-Infinity"), id="-Infinity"),
        pytest.param(SOUND.replace(b'"', b"'"), id="single quotes"),
        pytest.param(SOUND.replace(b"sound", b"so\tund"), id="bare tab in a string"),
        pytest.param(SOUND.replace(b"sound", b"so\xffund"), id="not UTF-8"),
        pytest.param(SOUND.replace(b"sound", b"so\xed\xa0\x80und"), id="surrogate in UTF-8"),
        pytest.param(b"\xef\xbb\xbf" + SOUND, id="byte order mark"),
        pytest.param(SOUND.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b"[" * 100_000, id="deep and unfinished"),
        pytest.param(b'{"id": "deep", "terms": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", id="deep"),
        pytest.param(b"[" + SOUND + b"]", id="a list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"7", id="number"),
        pytest.param(b'"text"', id="string"),
    ],
)
def test_a_line_that_is_no_json_object_is_one_fault_at_the_empty_path(line):
    answer = json.loads(evaluate_line(line, "UTC")[0])

    assert answer["id"] is None
    assert [error["path"] for error in answer["error"]["errors"]] == [""]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        pytest.param(
            b'"window_days": 3', b'"window_days": 1e400', "terms.window_days", id="beyond any float"
        ),
        pytest.param(
            b'"window_days": 3', b'"window_days": ' + b"9" * 50_000, "terms.window_days", id="50,000 digits"
        ),
        pytest.param(b'"window_days": 3', b'"window_days": 3e0', "terms.window_days", id="not an integer"),
        pytest.param(
            b'"window_days": 3', b'"window_days": 3, "window_days": 3', "terms.window_days", id="said twice"
        ),
        pytest.param(
            b'"currency": "EUR"', b'"currency": "EUR", "amount": "1000.00"', "payment.amount", id="key twice"
        ),
        pytest.param(b'"id": "sound"', b'"id": "first", "id": "sound"', "id", id="id twice"),
    ],
)
def test_numbers_and_keys_that_json_allows_but_no_field_takes_are_faults_of_their_field(old, new, path):
    assert old in SOUND

    answer = json.loads(evaluate_line(SOUND.replace(old, new, 1), "UTC")[0])

    assert answer["id"] == "sound"
    assert [error["path"] for error in answer["error"]["errors"]] == [path]


def test_blank_lines_are_skipped_and_the_others_keep_their_order():
    lines = [b"\n", SOUND + b"\r\n", b" \t\r\n", b"nonsense\n", SOUND.replace(b"sound", b"last")]

    answers = evaluated(*lines)

    assert [answer["id"] for answer in answers] == ["sound", None, "last"]
    assert ["error" in answer for answer in answers] == [False, True, False]


def test_an_answer_is_written_before_the_next_line_is_read():
    read = []

    def endless():
        while True:
            read.append(1)
            yield SOUND

    answers = evaluate_lines(endless(), default_time_zone="UTC")
    next(answers)
    next(answers)

    assert len(read) == 2


def test_lone_surrogates_and_nul_in_names_come_back_as_they_went_in():
    (answer,) = evaluated(SOUND.replace(b'"sound"', rb'"\ud800\u0000"'))

    assert answer["id"] == "\ud800\u0000"


def test_the_exact_value_of_ever_so_many_odd_lengths_is_written_whole():
    document = sound() | {"work": None}
    document["usage"] = [
        {
            "kind": "time",
            "meter": "hosting",
            "price": "0.01",
            "start": "2026-06-04T00:00:00Z",
            "end": f"2026-06-05T00:00:00.{number:06d}Z",
            "recorded_at": "2026-06-04T00:00:00Z",
        }
        for number in range(1, 800)
    ]

    (answer,) = evaluated(json.dumps(document).encode())

    assert len(answer["usage_value"]) > 8_000  # more digits than Python writes by itself
    assert answer["outcome"] == "refund_in_part"


def run(lines, *arguments):
    """The command within this process: what it wrote, and its exit status."""
    written, status = io.StringIO(), 0
    try:
        call_command("evaluate_policy", *arguments, str(lines), stdout=written)
    except SystemExit as ended:
        status = ended.code
    return written.getvalue().splitlines(), status


def test_the_exit_status_tells_whether_any_line_had_a_fault(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(SOUND + b"\n" + SOUND)
    bad.write_bytes(b"x\n" + SOUND)

    assert [len(run(good)[0]), run(good)[1]] == [2, 0]
    assert [len(run(bad)[0]), run(bad)[1]] == [2, 1]


def test_terms_that_name_no_zone_take_the_one_given_or_the_companys(tmp_path):
    document = sound() | {"terms": {}}
    del document["payment"]["deadline"]
    lines = tmp_path / "lines"
    lines.write_text(json.dumps(document))

    deadlines = [
        json.loads(run(lines, *options)[0][0])["deadline"] for options in ([], ["--time-zone=Asia/Tokyo"])
    ]

    assert settings.COMPANY_TIME_ZONE == "Europe/Berlin"
    assert deadlines == ["2026-06-06T00:00:00+02:00", "2026-06-06T00:00:00+09:00"]


@pytest.mark.parametrize("zone", ["europe/berlin", "Nowhere", "../UTC"])
def test_a_zone_that_does_not_exist_stops_the_command(zone, tmp_path):
    with pytest.raises(CommandError, match="time-zone"):
        call_command("evaluate_policy", str(tmp_path), f"--time-zone={zone}")


def test_a_file_that_is_not_there_stops_the_command(tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("evaluate_policy", str(tmp_path / "missing"))


def start(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "manage.py", "evaluate_policy", *arguments],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_read_and_no_database_is_needed(arguments):
    out, errors = start(*arguments).communicate(SOUND + b"\n\xff\n", timeout=60)

    assert [json.loads(line)["id"] for line in out.splitlines()] == ["sound", None]
    assert errors == b""


def test_a_reader_that_goes_away_ends_the_command_quietly(tmp_path):
    lines = tmp_path / "lines"
    lines.write_bytes((SOUND + b"\n") * 2_000)
    process = start(str(lines))

    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=60) == 1
    assert process.stderr.read() == b""
