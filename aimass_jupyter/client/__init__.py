"""Speaks the contract with a control plane: finds one, calls it, follows what happens.

Every face outside the browser stands on this room: it turns an operation and its arguments into
HTTP, sends local files as bytes, raises the contract's errors again, parses a line of words into a
call, and shows an answer as text or HTML. It imports the contract and the host and nothing heavy.
"""

from aimass_jupyter.client.client import Client, connect
from aimass_jupyter.client.discovery import data_folder

__all__ = ["Client", "connect", "data_folder"]
