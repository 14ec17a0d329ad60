"""
The life of money, made up step by step (hypothesis): anybody does anything that the services offer.

After each step every invariant holds, and the database itself counts every edge of every state machine.
"""
