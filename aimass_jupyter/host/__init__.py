"""What this machine knows of its processes and files: identities, locks, records, packages,
heartbeats.

Both packages stand on it: the job side writes the records and holds the locks, the control plane
reads them. It imports nothing of ours and nothing heavy. Linux only: it reads ``/proc``.
"""

from aimass_jupyter.host.heartbeats import (
    QUIET,
    STACK_SIGNAL,
    Beat,
    beat,
    begin_heartbeat,
    end_heartbeat,
    expect_no_steps,
    forget_beats,
    read_beats,
    stack_path,
    waiting,
)
from aimass_jupyter.host.locks import FileLock, is_locked
from aimass_jupyter.host.notices import read_notices, remove_notice, write_notice
from aimass_jupyter.host.packages import installed_packages
from aimass_jupyter.host.processes import (
    ProcessIdentity,
    boot_id,
    identify,
    is_alive,
    marked_processes,
    send_signal,
    stop_marked,
)
from aimass_jupyter.host.records import (
    make_durable,
    read_record,
    sync_folder,
    write_bytes,
    write_first,
    write_record,
)
from aimass_jupyter.host.walking import files_below, newest_below

__all__ = [
    "QUIET",
    "STACK_SIGNAL",
    "Beat",
    "FileLock",
    "ProcessIdentity",
    "beat",
    "begin_heartbeat",
    "boot_id",
    "end_heartbeat",
    "expect_no_steps",
    "files_below",
    "forget_beats",
    "identify",
    "installed_packages",
    "is_alive",
    "is_locked",
    "make_durable",
    "marked_processes",
    "newest_below",
    "read_beats",
    "read_notices",
    "read_record",
    "remove_notice",
    "send_signal",
    "stack_path",
    "stop_marked",
    "sync_folder",
    "waiting",
    "write_bytes",
    "write_first",
    "write_notice",
    "write_record",
]
