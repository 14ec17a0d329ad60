"""The rules of the house that a reader would otherwise have to remember."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import BigIntegerField, DecimalField, Field, FloatField

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("kernel", "events", "accounts", "contracts", "payments", "refunds", "refundportal")
MONEY_ROOMS = ("kernel", "contracts", "payments", "refunds")
POLICIES = ("contracts/policy", "refunds/policy")
PURE = sys.stdlib_module_names | {"kernel", "contracts.policy", "refunds.policy", "holidays", "tzdata"}
FUNCTION_MAX = 60
FILE_MAX = 400
FORBIDDEN_NAMES = re.compile(r"(^|/)(utils|helpers|signals|repositories|repository|common)(\.py|/)")
# Parts of the standard library that look at the world outside of their arguments.
IMPURE = {
    "os",
    "io",
    "pathlib",
    "socket",
    "subprocess",
    "random",
    "secrets",
    "time",
    "urllib",
    "http",
    "sqlite3",
}
CLOCK = re.compile(r"\.(now|today|utcnow)\(")


def python_files(*folders: str) -> list[Path]:
    roots = [ROOT / folder for folder in folders or (*ROOMS, "tests", "benchmarks")]
    found = [path for root in roots for path in root.rglob("*.py") if "migrations" not in path.parts]
    return sorted([*found, *(ROOT.glob("*.py") if not folders else [])])


def product_files(*folders: str) -> list[Path]:
    return [path for path in python_files(*folders) if "tests" not in path.parts]


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions_in(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{named(path)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{named(path)}:{node.lineno} imports relatively"
            yield node.module or ""


def test_the_rules_look_at_something():
    assert len(python_files()) > 50
    assert all(product_files(room) for room in ROOMS)


def test_no_function_is_longer_than_a_screen():
    lengths = [entry for path in python_files() for entry in functions_in(path)]

    assert [entry for entry in lengths if entry[1] > FUNCTION_MAX] == []


def test_the_usual_function_is_short():
    lengths = sorted(length for path in product_files() for _, length in functions_in(path))

    assert lengths[len(lengths) // 2] < 10


def test_no_file_is_longer_than_a_reader_keeps_in_mind():
    lengths = {named(path): len(path.read_text().splitlines()) for path in python_files()}

    assert {name: length for name, length in lengths.items() if length > FILE_MAX} == {}


def test_no_file_is_called_after_nothing():
    assert [named(path) for path in python_files() if FORBIDDEN_NAMES.search(named(path))] == []


def test_no_file_of_the_product_is_empty_but_the_marks_of_packages():
    empty = [path for path in product_files() if not path.read_text().strip()]

    assert [named(path) for path in empty if path.name != "__init__.py"] == []


def floats_in(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{named(path)}:{node.lineno} {node.value}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield f"{named(path)}:{node.lineno} float()"


# Seconds between two signs of life on a terminal.
NOT_MONEY = {"refunds/progress.py"}


def test_no_float_comes_near_money():
    files = [path for path in product_files(*MONEY_ROOMS) if named(path) not in NOT_MONEY]

    assert [found for path in files for found in floats_in(path)] == []


def model_fields() -> list[Field]:
    rooms = [config for config in apps.get_app_configs() if config.name in ROOMS]
    return [field for room in rooms for model in room.get_models() for field in model._meta.fields]


def test_no_column_holds_a_float_or_loses_decimals_on_sqlite():
    assert [str(field) for field in model_fields() if isinstance(field, FloatField | DecimalField)] == []


def test_amounts_are_whole_minor_units_in_big_columns():
    endings = ("_minor", "_micro", "_nano", "amount", "reserved", "refunded", "charged_back")
    amounts = [field for field in model_fields() if field.attname.endswith(endings)]

    assert amounts
    assert [str(field) for field in amounts if not isinstance(field, BigIntegerField)] == []


@pytest.mark.parametrize("folder", POLICIES)
def test_the_policy_uses_the_standard_library_the_kernel_itself_and_data_of_the_calendar(folder):
    def is_pure(module: str) -> bool:
        first = module.split(".")[0]
        own = ".".join(module.split(".")[:2])
        return (first in PURE or own in PURE) and first not in IMPURE

    foreign = [(named(path), name) for path in product_files(folder) for name in imports_of(path)]

    assert foreign
    assert [entry for entry in foreign if not is_pure(entry[1])] == []


@pytest.mark.parametrize("folder", POLICIES)
def test_the_policy_has_no_clock(folder):
    assert [named(path) for path in product_files(folder) if CLOCK.search(path.read_text())] == []


@pytest.mark.parametrize("name", ["selectors", "services", "ledger", "gateways"])
def test_services_and_what_is_below_them_are_told_the_time(name):
    """`now` comes from the door; only doors, tasks and commands look at the clock."""
    files = [
        path
        for room in ROOMS[1:-1]
        for path in product_files(room)
        if name in (path.stem, *path.relative_to(ROOT).parts[1:2])
    ]

    assert files
    asking = {
        named(path) for path in files if re.search(r"timezone\.now\(\)|datetime\.now\(", path.read_text())
    }
    assert asking - ASK_THE_CLOCK == set()


# A token ends at an instant of the present, whoever asks.
ASK_THE_CLOCK = {"accounts/selectors.py"}


def catches_everything(path: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ExceptHandler):
            name = ast.unparse(node.type) if node.type else ""
            goes_on_up = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if name in ("", "Exception", "BaseException") and not goes_on_up:
                yield named(path)


# The outermost loops, where a fault of one thing must not stop the others; and the calls for a payout, after
# which whatever broke means "in doubt".
OUTERMOST = re.compile(
    r"(^|/)(tasks(\.py|/)|beat\.py|events/outbox\.py$|events/webhooks/(layout|claims|sending|postman)\.py$"
    r"|payments/services/(sending|doubts|provider_events)\.py$)"
)


def test_only_the_outermost_loops_catch_everything():
    catching = {name for path in product_files() for name in catches_everything(path)}

    assert {name for name in catching if not OUTERMOST.search(name)} == set()


def test_services_do_not_call_tasks():
    calling = [
        named(path)
        for path in product_files(*ROOMS[1:-1])
        if "services" in named(path) and any(name.endswith(".tasks") for name in imports_of(path))
    ]

    assert calling == []


def test_views_find_objects_through_the_person_only():
    """STYLE: no door uses `Model.objects.get`."""
    doors = product_files("refundportal/portal", "refundportal/api", "refundportal/staff")
    getting = [
        named(path) for path in doors if re.search(r"\.objects\.get\(|get_object_or_404", path.read_text())
    ]

    assert getting == []


def test_imports_run_one_way():
    process = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert process.returncode == 0, process.stdout


def test_the_locks_hold_hashes_and_nothing_of_the_machine_they_were_made_on():
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().splitlines()
        pins = [place for place, line in enumerate(lines) if re.match(r"[a-z0-9]", line)]
        assert len(pins) > 50
        assert all("==" in lines[place] and "--hash=sha256:" in lines[place + 1] for place in pins)
        assert not [
            line
            for line in lines
            if re.search(r"index-url|find-links|file:|/(tmp|opt|work|root|home)/", line)
        ]
