"""The ports: what the house asks of its stores, its surroundings and the outside, by capability.

Who stands behind a port is known to `bot/outside.py` and `bot/language.py` alone. Ports are Protocols; their models are frozen.
"""
