"""The disk under the database is really full, under load: a tablespace on a small file system in memory."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.faults.load import Load
from tests.faults.restarts import ACKNOWLEDGED_BETWEEN, under_fire
from tests.faults.running import Run, Told

SIZE_MB = 160
FULL_FOR_S = 2
FULL_LIMIT_S = 60
NO_SPACE = b"No space left on device"


def disk_section(run: Run) -> Told:
    """Fill the disk under the database again and again while callers call; tell what was lost."""
    place = run.databases.server.make_folder("small")
    try:
        with _small_disk(place):
            return _under_load(run, place)
    except subprocess.CalledProcessError:
        return "Not run: no file system in memory may be mounted here.", []


def _under_load(run: Run, place: Path) -> Told:
    refused_before = _refusals(run)
    run.databases.make_tablespace("small", place)

    def fill(run: Run, database: str, load: Load) -> str:
        for _ in range(run.options.fillings):
            load.wait_for(ACKNOWLEDGED_BETWEEN)
            _fill(run, place)
        load.wait_for(ACKNOWLEDGED_BETWEEN)
        return f"{run.options.fillings} times"

    try:
        fire = under_fire(run, "full", "on a full disk", fill, tablespace="small")
    finally:
        run.databases.drop("fire_full", tablespace="small")
    found, refused = fire.found, _refusals(run) - refused_before
    faults = [*fire.faults, *([] if refused else ["the disk was never full: this proves nothing"])]
    text = (
        f"The database lies on a file system of {SIZE_MB} MB in memory (its log of writes does not: where "
        f"that is full the server stops, as above), filled to the last byte {run.options.fillings} times "
        f"under the load of the section above. PostgreSQL found no space {refused} times. Acknowledged: "
        f"{sum(found['acknowledged'].values())}; lost: **{found['lost']}**; twice: **{found['twice']}**; "
        f"calls refused with 503 and made again: {fire.answers.get('503', 0)}; payouts right: "
        f"{found['payouts']['right']} of {found['payouts']['all']}."
    )
    return "\n".join([text, "", *(f"- {fault}" for fault in faults)]).strip(), faults


@contextmanager
def _small_disk(place: Path) -> Iterator[None]:
    """:raises subprocess.CalledProcessError: this machine lets nobody mount"""
    options = f"size={SIZE_MB}m,mode=0700,uid={place.stat().st_uid},gid={place.stat().st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def _fill(run: Run, place: Path) -> None:
    """Leave no byte until PostgreSQL has found none for a while."""
    ballast, before = place / "ballast", _refusals(run)
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
    end = time.monotonic() + FULL_LIMIT_S
    while _refusals(run) == before and time.monotonic() < end:
        time.sleep(0.1)
    time.sleep(FULL_FOR_S)
    ballast.unlink()


def _refusals(run: Run) -> int:
    return run.databases.server.log().count(NO_SPACE)
