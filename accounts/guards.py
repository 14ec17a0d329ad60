"""What the database itself refuses about changes of staff groups."""

from events.guards import frozen, never_deleted

RULES = (
    never_deleted("accounts_rolechange"),
    frozen(
        "accounts_rolechange",
        "user_id",
        "role",
        "gives",
        "is_alone",
        "reason",
        "proposed_by_id",
        "proposed_at",
    ),
    frozen("accounts_rolechange", "confirmed_by_id", "confirmed_at", "withdrawn_at", once_set=True),
)
