"""Reading what people typed: every fault at once, with its path."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts.models import AcceptanceItem
from kernel.errors import Fault, InvalidInput
from refunds.models import ReasonGiven, Remedy

STATEMENT_MAX = 4000
OBJECTIONS_MAX = 200
BODY_MAX = 8000


def text_fault(path: str, value: object, most: int, *, needed: bool = True) -> list[Fault]:
    """Say what is wrong with a typed text: missing, too long, or with characters nobody can store."""
    if not isinstance(value, str):
        return [Fault(path=path, message="must be a text")]
    if needed and not value.strip():
        return [Fault(path=path, message="must not be empty", code="required")]
    if len(value) > most:
        return [Fault(path=path, message=f"must have at most {most} characters", code="too_long")]
    if "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value):
        return [Fault(path=path, message="holds a character that cannot be stored")]
    return []


def read_text(path: str, value: object, most: int = STATEMENT_MAX, *, needed: bool = True) -> str:
    """
    Read a typed text, without the space around it.

    :raises InvalidInput: missing, too long, or not storable
    """
    faults = text_fault(path, value, most, needed=needed)
    if faults:
        raise InvalidInput(f"{path}: {faults[0].message}", faults=faults)
    return str(value).strip()


def check_application(
    *,
    contract_id: UUID,
    reason: object,
    statement: object,
    objections: object,
    remedy: object,
    has_target: bool,
) -> None:
    """
    Check the typed part of an application.

    :raises InvalidInput: every fault: unknown reason or remedy, empty statement, objections that name no item
    """
    faults: list[Fault] = []
    if reason not in ReasonGiven.values:
        faults.append(Fault(path="reason", message=f"must be one of {', '.join(ReasonGiven.values)}"))
    faults += text_fault("statement", statement, STATEMENT_MAX)
    faults += _objection_faults(contract_id, objections)
    if remedy not in Remedy.values:
        faults.append(Fault(path="remedy", message=f"must be one of {', '.join(Remedy.values)}"))
    elif remedy == Remedy.EXCHANGE and not has_target:
        faults.append(
            Fault(path="target_stage", message="an exchange names the stage it goes to", code="required")
        )
    elif remedy == Remedy.REFUND and has_target:
        faults.append(Fault(path="target_stage", message="only an exchange names a stage"))
    if faults:
        raise InvalidInput("The application has faults.", faults=faults)


def _objection_faults(contract_id: UUID, objections: object) -> list[Fault]:
    if not isinstance(objections, Sequence) or isinstance(objections, str):
        return [Fault(path="objections", message="must be a list")]
    if len(objections) > OBJECTIONS_MAX:
        return [Fault(path="objections", message=f"must have at most {OBJECTIONS_MAX} entries")]
    if not objections:
        return []
    rows = AcceptanceItem.objects.filter(stage__contract_id=contract_id, is_removed=False)
    items = set(rows.values_list("stage__code", "code"))
    return [fault for place, one in enumerate(objections) for fault in _objection_fault(place, one, items)]


def _objection_fault(place: int, one: Any, items: set[tuple[str, str]]) -> list[Fault]:
    path = f"objections[{place}]"
    if not isinstance(one, dict) or set(one) != {"stage", "item", "text"}:
        return [Fault(path=path, message="must have exactly stage, item and text")]
    if (one["stage"], one["item"]) not in items:
        return [Fault(path=f"{path}.item", message="is no acceptance item of that stage", code="not_found")]
    return text_fault(f"{path}.text", one["text"], STATEMENT_MAX)
