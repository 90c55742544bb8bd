"""The operation table as handlers, OpenAPI, the event stream, the proxy of TensorBoard.

The only room that knows tornado. A handler authenticates and authorises in ``prepare()``, before
the body is read; errors become problem+json in one place; nothing else is decided here.
"""

from aimass_server.rest.accepting import rest_without_descriptors
from aimass_server.rest.routes import handlers

__all__ = ["handlers", "rest_without_descriptors"]
