"""Jobs: the queue, what runs, what ended and why, logs and curves.

A submit is one transaction; starting happens after the commit; a reconciler compares rows with what
the job's folder says and repairs. This room starts ``python -m aimass_jupyter.launch`` and reads
what it leaves: it never trains, never imports torch, and is never the parent of a rank.
"""

from aimass_server.jobs.room import Jobs

__all__ = ["Jobs"]
