"""The state machine of a refund request."""

from kernel.states import Edges, edges

REQUEST: Edges = edges("""
    submitted -> rejected in_review withdrawn
    in_review -> information_requested proposed withdrawn
    information_requested -> in_review withdrawn
    proposed -> approved rejected in_review withdrawn
    approved -> in_review
""")

REQUEST_OPEN = frozenset({"submitted", "in_review", "information_requested", "proposed"})
REQUEST_DECIDED = frozenset({"approved", "rejected"})
