"""The state machines of a refund request, of the scan of a file and of a trial in the laboratory."""

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

TRIAL: Edges = edges("""
    waiting -> running cancelled
    running -> done cancelled
""")

REQUEST_OPEN = frozenset({"submitted", "in_review", "information_requested", "proposed"})
REQUEST_DECIDED = frozenset({"approved", "rejected"})
TRIAL_OPEN = frozenset({"waiting", "running"})
