"""The state machines of a contract, its stages and its deliveries."""

from kernel.states import Edges, edges

CONTRACT: Edges = edges("""
    draft -> signed
    signed -> completed terminated
""")

STAGE: Edges = edges("""
    planned -> in_progress
    in_progress -> delivered
    delivered -> in_progress
""")

DELIVERY: Edges = edges("""
    delivered -> accepted objected
""")

AMENDMENT: Edges = edges("""
    draft -> signed withdrawn
""")
