"""The state machine of a delivery; a given-up one can be tried again."""

from kernel.states import edges

DELIVERY = edges(
    """
    pending -> delivered dead
    dead -> pending
    """
)
