"""The system itself, as an operation can ask for it: status, doctor, identity, the table."""

from aimass_server.system.room import Facts, System

__all__ = ["Facts", "System"]
