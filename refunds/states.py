"""The state machines of a refund request and of the scan of a file."""

from kernel.states import Edges, edges

REQUEST: Edges = edges("""
    submitted -> rejected in_review withdrawn
    in_review -> information_requested proposed withdrawn
    information_requested -> in_review withdrawn
    proposed -> approved rejected in_review withdrawn
    approved -> in_review
""")

SCAN: Edges = edges("""
    waiting -> clean infected
""")

REQUEST_OPEN = frozenset({"submitted", "in_review", "information_requested", "proposed"})
REQUEST_DECIDED = frozenset({"approved", "rejected"})
