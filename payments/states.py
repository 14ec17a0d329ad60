"""The state machines of a payment and of a payout."""

from kernel.states import Edges, edges

PAYMENT: Edges = edges("""
    pending -> authorised captured
    pending authorised -> failed voided
    authorised -> captured
    captured -> disputed
    disputed -> captured charged_back
""")

PAYOUT: Edges = edges("""
    ready -> submitting cancelled manual
    submitting -> accepted failed unknown ready
    unknown -> accepted submitting failed manual
    accepted -> settled failed returned
    settled -> returned
    manual -> accepted failed
""")

PAYOUT_ENDED_WITHOUT_MONEY = frozenset({"failed", "returned", "cancelled"})
PAYOUT_LIVE = frozenset(PAYOUT) - PAYOUT_ENDED_WITHOUT_MONEY
PAYOUT_PAID = frozenset({"accepted", "settled"})
