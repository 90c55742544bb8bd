"""Publishing: notebooks as dashboards, each version a frozen copy in a Voila process of its own.

:class:`Publishing` answers the ``services`` operations. What is published is a copy without
outputs (``notebook``), served by a detached process (``dashboard``, the only module that knows
Voila; the control plane never imports it) on a port and an origin of its own. Before a version
counts, it is opened as a viewer opens it (``probe``): every cell must have run, strangers must be
kept out, source must stay hidden, a viewer must not be able to run code. Until then, and if that
fails, the version before it goes on answering. What died is brought back (``keeper``).

On disk: ``<data>/services/<id>/secrets.json`` (what lets viewers in, 0600) and
``versions/<n>/`` with ``notebook.ipynb``, ``kernel.token`` (0600) and one ``run-*`` for the
process. The room never runs a notebook in the control plane.
"""

from aimass_server.publishing.room import Publishing

__all__ = ["Publishing"]
