"""Where processes are killed, in words."""

from typing import Final

POINTS: Final = {
    "before_approval": "in the approval, before its commit",
    "after_approval": "after the approval's commit, before anybody is told",
    "taken": "sender, before it claims",
    "in_claim": "sender, in the claim's transaction",
    "after_claim": "sender, claimed, before the call",
    "on_the_wire": "sender, the order is on the wire",
    "after_call": "sender, the answer was read, not booked",
    "in_booking": "sender, in the booking's transaction",
    "after_booking": "sender, after the booking",
    "looking_up": "janitor, before it looks up",
    "after_look_up": "janitor, it looked up, not booked",
    "booking_a_look_up": "janitor, in the booking's transaction",
}
