"""
A Stripe of our own on 127.0.0.1, to which the official SDK talks unchanged.

It holds payment intents, refunds, disputes and events, remembers keys for a day together with the parameters
they came with, and gets wrong what it is told to.
"""
