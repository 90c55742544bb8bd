"""What happened, told to whoever follows: durable events in order, and passing notices.

Events are written by the rooms in the transaction of what they tell (``store.events``); this room
only delivers them. A notice (how far a running job is) is not kept: who misses one gets the next.
"""

from aimass_server.events.feed import Feed, Notice

__all__ = ["Feed", "Notice"]
