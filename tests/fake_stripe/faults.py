"""What the fake can be told to get wrong, in words."""

from collections.abc import Mapping
from typing import Final

FAULTS: Final[Mapping[str, str]] = {
    "timeout_done": "time-out, executed",
    "timeout_not_done": "time-out, not executed",
    "reset_before": "connection reset before it was executed",
    "reset_after": "connection reset after it was executed",
    "half_body": "half of the answer, executed",
    "bad_json": "an answer that is no JSON, executed",
    "html_200": "an HTML page with status 200, not executed",
    "500_done": "500, executed, and 500 for this key ever after",
    "500_not_done": "500, not executed",
    "503": "503, not executed",
    "429": "429 with Retry-After, not executed",
    "402": "402 balance too low, not executed",
    "409": "409 key in use, executed",
    "late": "time-out, executed ten minutes later",
    "key_forgotten": "time-out, then silence until the key is forgotten",
}
"""Of the crash grid."""

DONE: Final = ("timeout_done", "reset_after", "half_body", "bad_json", "500_done", "409")
SILENT: Final = ("timeout_done", "timeout_not_done", "late", "key_forgotten")
