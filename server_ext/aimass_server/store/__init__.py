"""The only room that knows SQL: tables, repositories, migrations, and the blobs beside them.

A repository is a module of plain functions over a connection, one file a noun, that take and give
the contract's models. :class:`Store` runs them: writes one after the other on one thread, many in
one commit; reads on a small pool. Nothing outside this room imports SQLAlchemy.
"""

from sqlalchemy import Connection

from aimass_server.store.blobs import Blobs
from aimass_server.store.engine import Store

__all__ = ["Blobs", "Connection", "Store"]
