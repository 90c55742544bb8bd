"""A cluster, live: nodes and slots, CPU, memory, disk and network, who uses it, who waits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from traitlets import Dict

from aimass_jupyter.contract.clusters import LOCAL, Cluster, ClusterUsage, Node, NodeUse
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.widgets.assets import script, style
from aimass_jupyter.widgets.live import LiveWidget
from aimass_jupyter.widgets.stills import curves_picture, timed
from aimass_jupyter.widgets.text import progress_bar
from aimass_jupyter.widgets.turns import Change

if TYPE_CHECKING:
    from aimass_jupyter.client import Client

MAX_NODES_DRAWN = 8
MAX_POINTS = 240
MAX_WAITING = 100
RIGHTS = {"drain": "clusters:manage", "resume": "clusters:manage"}
_USES = (
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "received_bytes_per_second",
    "sent_bytes_per_second",
)


def waiting_row(job: Job) -> dict[str, Any]:
    """What the queue shows of a job."""
    row = job.model_dump(mode="json", include={"id", "name", "owner", "np", "created_at"})
    return row | {"priority": job.options.priority}


def course_of(history: list[NodeUse]) -> dict[str, list[Any]]:
    """The course of a node column by column; times in seconds since the epoch."""
    newest = history[-MAX_POINTS:]
    told: dict[str, list[Any]] = {"at": [round(one.at.timestamp()) for one in newest]}
    return told | {name: [round(getattr(one, name), 1) for one in newest] for name in _USES}


class ClusterMonitor(LiveWidget):
    """Shows a cluster, as far as whoever looks may see it.

    Parameters
    ----------
    cluster
        Name or id; by default this machine.
    client
        Of the control plane; by default ``aimass_jupyter.connect()``.

    Examples
    --------
    >>> ClusterMonitor("lab")  # doctest: +SKIP
    """

    _esm = script("cluster_monitor.js")
    _css = style(
        "base.css", "chart.css", "job_monitor.css", "model_table.css", "run_compare.css",
        "monitors.css",
    )  # fmt: skip

    actions = {
        "drain": lambda monitor, message: monitor.drain(str(message.get("node", ""))),
        "resume": lambda monitor, message: monitor.resume(str(message.get("node", ""))),
    }

    card = Dict(help="The cluster, its nodes and their use now.").tag(sync=True)
    jobs = Dict(help="Who uses it, and who waits for it.").tag(sync=True)
    course = Dict(help="Node → its use over time, column by column.").tag(sync=True)

    pace_seconds = 3.0

    def __init__(self, cluster: str = LOCAL, client: Client | None = None) -> None:
        self.cluster = cluster
        self.usage: ClusterUsage | None = None
        self._history: dict[str, list[NodeUse]] = {}
        super().__init__(client)

    def look(self) -> Change:
        """Ask for the cluster, its use, and the jobs that wait for it."""
        cluster: Cluster = self.client.clusters.show(self.cluster)
        usage: ClusterUsage = self.client.clusters.usage(self.cluster)
        nodes: list[Node] = self.client.nodes.list(self.cluster, limit=500).items
        drawn = [one.node for one in usage.nodes[:MAX_NODES_DRAWN]]
        history = {n: self.client.nodes.usage(self.cluster, n).history for n in drawn}
        queued = self.client.jobs.list(state="queued", limit=MAX_WAITING).items
        waiting = [one for one in queued if one.options.cluster in (cluster.name, cluster.id)]
        may = self.allowed(RIGHTS)
        return partial(self._take, cluster, usage, nodes, history, waiting, may)

    def drain(self, node: str) -> None:
        """Let no more jobs begin on a node."""
        self.client.nodes.drain(self.cluster, node)
        self.look_again()

    def resume(self, node: str) -> None:
        """Let jobs begin on a node again."""
        self.client.nodes.resume(self.cluster, node)
        self.look_again()

    def _take(
        self,
        cluster: Cluster,
        usage: ClusterUsage,
        nodes: list[Node],
        history: dict[str, list[NodeUse]],
        waiting: list[Job],
        may: list[str],
    ) -> None:
        self.usage, self._history, self.may = usage, history, may
        now = {one.node: one for one in usage.nodes}
        kept = {"name", "state", "reason", "slots", "slots_used", "profile", "labels", "gpus"}
        rows = [node.model_dump(mode="json", include=kept) for node in nodes]
        for row in rows:
            seen = now.get(row["name"])
            row["cpus"] = seen.cpus if seen else 0
            row["now"] = (
                seen.now.model_dump(mode="json", exclude={"at"}) if seen and seen.now else None
            )
        facts = cluster.model_dump(include={"name", "kind", "state"})
        self.card = facts | {
            "slots": usage.slots, "slots_used": usage.slots_used, "nodes": rows
        }  # fmt: skip
        self.jobs = {
            "using": [one.model_dump(mode="json") for one in usage.jobs],
            "waiting": [waiting_row(one) for one in waiting],
        }
        self.course = {node: course_of(uses) for node, uses in history.items()}

    def text(self) -> str:
        """The cluster in a few lines."""
        if self.usage is None:
            return f"cluster {self.cluster}: not asked for yet."
        from aimass_jupyter.client.views import as_text

        used, slots = self.usage.slots_used, self.usage.slots
        waiting = [f"waits: {one['name']} of {one['owner']}" for one in self.jobs["waiting"][:5]]
        bar = f"{progress_bar(used / max(1, slots))} {used:g} of {slots} slots"
        return "\n".join([bar, as_text(self.usage), *waiting])

    def still(self) -> dict[str, str]:
        """CPU and memory of its nodes as a picture."""
        lines = [
            (title, node, timed(node, [one.at for one in uses], [getattr(one, f) for one in uses]))
            for node, uses in self._history.items()
            for title, f in (("CPU, %", "cpu_percent"), ("memory, %", "memory_percent"))
            if uses
        ]
        times = [one.at for uses in self._history.values() for one in uses]
        span = f"UTC {min(times):%Y-%m-%d %H:%M} to {max(times):%H:%M}" if times else ""
        return curves_picture(lines, axis=span)
