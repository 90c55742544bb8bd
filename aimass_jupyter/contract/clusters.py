"""Clusters: pools of nodes that jobs run on. A node has slots; a rank takes one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aimass_jupyter.contract.base import (
    NAME_PATTERN,
    Done,
    Page,
    PageRequest,
    Request,
    Resource,
    UtcTime,
    argument,
)
from aimass_jupyter.contract.operation import Operation

LOCAL = "local"
EVERYBODY = "*"
ADDRESS_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9.:-]{0,253}$"
USER_PATTERN = r"^[a-z_][a-z0-9_-]{0,31}$"
#: A public key as ``ssh-keyscan`` and ``known_hosts`` write it: its kind and its bytes.
HOST_KEY_PATTERN = r"^(ssh|ecdsa|sk)-[A-Za-z0-9@.-]+ [A-Za-z0-9+/=]+$"
PATH_PATTERN = r"^/[A-Za-z0-9._/+-]{0,254}$"

ClusterState = Literal["running", "stopping", "stopped"]
NodeState = Literal["ready", "draining", "drained", "down"]


class Cluster(Resource):
    """A pool of nodes."""

    id: str
    name: str
    kind: str = Field(description="The back-end: local, ssh, or one that a package adds.")
    owner: str
    tenant: str
    tenants: list[str] = Field(
        default_factory=list, description="Other tenants that may use it; * is all of them."
    )
    state: ClusterState = Field(
        description="stopping: no job begins on it, some still run; stopped: none runs."
    )
    reason: str = Field("", description="Why it was stopped.")
    nodes: int = Field(0, description="How many nodes it has.")
    slots: int = Field(0, description="Ranks that may begin on the nodes that are ready.")
    slots_used: float = 0
    public_key: str = Field(
        "", description="What the nodes of an ssh cluster must have in authorized_keys."
    )
    created_at: UtcTime


class Node(Resource):
    """A machine of a cluster."""

    id: str
    name: str
    cluster: str = Field(description="Name of its cluster.")
    cluster_id: str
    address: str = Field(description="Where its ranks are reached by those of other nodes.")
    port: int = 22
    user: str = ""
    python: str = Field("", description="The interpreter of its job environment.")
    host_key: str = Field("", description="The key by which it is known.")
    folder: str = Field("", description="Where jobs work on it; empty: below its user's home.")
    slots: int
    slots_used: float = 0
    memory_bytes: int = Field(0, description="0 when nobody has said or seen it.")
    gpus: int = 0
    labels: list[str] = Field(default_factory=list)
    profile: str = Field("", description="What kind of machine it is: cpu-large, say.")
    tenants: list[str] = Field(
        default_factory=list, description="It is set aside for these; empty: all of the cluster's."
    )
    state: NodeState
    reason: str = Field("", description="Why it is down, or draining.")
    created_at: UtcTime


class Fault(Resource):
    """One thing that keeps a node from being used."""

    node: str
    check: str = Field(
        description="reach, python, packages, clock, interface, port, connect, name or disk."
    )
    message: str


class Faults(Resource):
    """What the checks of a cluster found; nothing when all is well."""

    ok: bool
    nodes: int
    items: list[Fault]


class NodeUse(Resource):
    """What is used of a node at one moment."""

    at: UtcTime
    cpu_percent: float = Field(description="Of all its cores, 0 to 100.")
    memory_bytes: int
    memory_percent: float
    disk_bytes: int = Field(description="Used where jobs work.")
    disk_percent: float
    received_bytes_per_second: float = 0.0
    sent_bytes_per_second: float = 0.0
    gpu_percent: float | None = Field(None, description="The mean of its GPUs; None without one.")
    gpu_memory_bytes: int | None = None


class JobUse(Resource):
    """What one job uses of a node."""

    job: str = Field(description="Its id; empty for all jobs of other tenants together.")
    name: str
    owner: str
    node: str
    processes: int
    cpu_percent: float = Field(description="Of one core: 200 is two cores.")
    memory_bytes: int


class NodeUsage(Resource):
    """What is and was used of a node."""

    node: str
    cluster: str
    state: NodeState
    cpus: int = 0
    now: NodeUse | None = Field(None, description="None when it does not answer.")
    jobs: list[JobUse] = Field(default_factory=list, description="Who uses it now.")
    history: list[NodeUse] = Field(
        default_factory=list, description="Oldest first; older ones are means over longer times."
    )


class ClusterUsage(Resource):
    """What is used of a cluster now."""

    cluster: str
    slots: int
    slots_used: float
    nodes: list[NodeUsage]
    jobs: list[JobUse] = Field(default_factory=list, description="Who uses it now.")


class ClusterCreate(Request):
    cluster: str = argument(help="Its name.", positional=True, pattern=NAME_PATTERN, max_length=64)
    kind: str = argument(
        "ssh", help="The back-end: ssh, or one that a package adds.", pattern=NAME_PATTERN
    )
    tenants: list[str] = argument(
        [], help="Other tenants that may use it; * is all of them.", max_length=64
    )


class ClusterRef(Request):
    cluster: str = argument(
        help="Name or id.", positional=True, completes="clusters", max_length=128
    )


class ClusterStop(ClusterRef):
    now: bool = argument(
        False, help="Send the jobs that run on it back into the queue, their state kept."
    )
    reason: str = argument("", help="Why, for those who wait.", max_length=500)


class ClusterList(PageRequest):
    pass


class NodeAdd(Request):
    cluster: str = argument(
        help="The cluster.", positional=True, completes="clusters", max_length=128
    )
    node: str = argument(
        help="Name of the node.", positional=True, pattern=NAME_PATTERN, max_length=64
    )
    address: str = argument(
        help="Name or address, as the other nodes reach it too.",
        pattern=ADDRESS_PATTERN,
        max_length=254,
    )
    port: int = argument(22, help="Where its ssh listens.", ge=1, le=65535)
    user: str | None = argument(
        None, help="Who jobs run as there; by default who runs this server.", pattern=USER_PATTERN
    )
    python: str | None = argument(
        None,
        help="The interpreter there, an absolute path; by default the same as here.",
        pattern=PATH_PATTERN,
    )
    folder: str | None = argument(
        None,
        help="Where jobs work there, an absolute path; by default below its user's home.",
        pattern=PATH_PATTERN,
    )
    host_key: str | None = argument(
        None,
        help="Its public host key, as in known_hosts; by default what it shows now is kept.",
        pattern=HOST_KEY_PATTERN,
        max_length=2048,
    )
    slots: int | None = argument(
        None, help="Ranks that fit on it; by default its cores.", ge=1, le=4096
    )
    memory_bytes: int | None = argument(None, help="Memory for jobs; by default all of it.", ge=1)
    gpus: int | None = argument(None, help="GPUs; by default those that it says.", ge=0, le=64)
    labels: list[str] = argument([], help="What jobs may ask for: ssd, gpu.", max_length=32)
    profile: str = argument(
        "", help="What kind of machine it is: cpu-large.", pattern=f"{NAME_PATTERN}|^$"
    )
    tenants: list[str] = argument([], help="Set it aside for these tenants.", max_length=64)


class NodeRef(Request):
    cluster: str = argument(
        help="The cluster.", positional=True, completes="clusters", max_length=128
    )
    node: str = argument(help="Name or id of the node.", positional=True, max_length=128)


class NodeDrain(NodeRef):
    reason: str = argument("", help="Why, for those who look.", max_length=500)


class NodeList(PageRequest):
    cluster: str = argument(
        help="The cluster.", positional=True, completes="clusters", max_length=128
    )


OPERATIONS = (
    Operation(
        name="clusters.create",
        method="POST",
        path="/clusters",
        request=ClusterCreate,
        response=Cluster,
        permission="clusters:manage",
        help="Make a pool of nodes; then add nodes to it.",
        examples=("clusters create lab", "clusters create lab --tenants physics"),
    ),
    Operation(
        name="clusters.list",
        method="GET",
        path="/clusters",
        short="clusters",
        request=ClusterList,
        response=Page[Cluster],
        permission="clusters:read",
        help="List the clusters that you may use.",
        examples=("clusters list",),
    ),
    Operation(
        name="clusters.show",
        method="GET",
        path="/clusters/{cluster}",
        request=ClusterRef,
        response=Cluster,
        permission="clusters:read",
        help="Show a cluster: nodes, slots, the key that its nodes must know.",
        examples=("clusters show lab",),
    ),
    Operation(
        name="clusters.start",
        method="POST",
        path="/clusters/{cluster}/start",
        request=ClusterRef,
        response=Cluster,
        permission="clusters:manage",
        help="Check the nodes of a cluster, and let jobs begin on it.",
        examples=("clusters start lab",),
    ),
    Operation(
        name="clusters.stop",
        method="POST",
        path="/clusters/{cluster}/stop",
        request=ClusterStop,
        response=Cluster,
        permission="clusters:manage",
        help="Let no more jobs begin on a cluster; those that run go on, or back into the queue.",
        examples=("clusters stop lab --reason repair", "clusters stop lab --now"),
    ),
    Operation(
        name="clusters.delete",
        method="DELETE",
        path="/clusters/{cluster}",
        request=ClusterRef,
        response=Done,
        permission="clusters:manage",
        help="Delete a cluster that no job uses, with its nodes.",
        examples=("clusters delete lab",),
    ),
    Operation(
        name="clusters.check",
        method="GET",
        path="/clusters/{cluster}/check",
        request=ClusterRef,
        response=Faults,
        permission="clusters:manage",
        help="Check every node: reachable, same versions, clock, ports, each reaches each.",
        examples=("clusters check lab",),
    ),
    Operation(
        name="clusters.usage",
        method="GET",
        path="/clusters/{cluster}/usage",
        request=ClusterRef,
        response=ClusterUsage,
        permission="clusters:read",
        help="Show what is used of a cluster, and by whom.",
        examples=("clusters usage local",),
    ),
    Operation(
        name="nodes.add",
        method="POST",
        path="/clusters/{cluster}/nodes",
        request=NodeAdd,
        response=Node,
        permission="clusters:manage",
        help="Add a machine to a cluster, once it has passed the checks.",
        examples=(
            "nodes add lab alpha --address 10.0.0.2 --slots 8 --profile cpu-large --labels ssd",
        ),
    ),
    Operation(
        name="nodes.list",
        method="GET",
        path="/clusters/{cluster}/nodes",
        short="nodes",
        request=NodeList,
        response=Page[Node],
        permission="clusters:read",
        help="List the nodes of a cluster.",
        examples=("nodes list lab",),
    ),
    Operation(
        name="nodes.show",
        method="GET",
        path="/clusters/{cluster}/nodes/{node}",
        request=NodeRef,
        response=Node,
        permission="clusters:read",
        help="Show a node.",
        examples=("nodes show lab alpha",),
    ),
    Operation(
        name="nodes.usage",
        method="GET",
        path="/clusters/{cluster}/nodes/{node}/usage",
        request=NodeRef,
        response=NodeUsage,
        permission="clusters:read",
        help="Show what is and was used of a node, and by whom.",
        examples=("nodes usage local local",),
    ),
    Operation(
        name="nodes.drain",
        method="POST",
        path="/clusters/{cluster}/nodes/{node}/drain",
        request=NodeDrain,
        response=Node,
        permission="clusters:manage",
        help="Let no more jobs begin on a node; it is drained once those that run have ended.",
        examples=("nodes drain lab alpha --reason repair",),
    ),
    Operation(
        name="nodes.resume",
        method="POST",
        path="/clusters/{cluster}/nodes/{node}/resume",
        request=NodeRef,
        response=Node,
        permission="clusters:manage",
        help="Let jobs begin on a node again.",
        examples=("nodes resume lab alpha",),
    ),
    Operation(
        name="nodes.remove",
        method="DELETE",
        path="/clusters/{cluster}/nodes/{node}",
        request=NodeRef,
        response=Done,
        permission="clusters:manage",
        help="Take a node that no job uses out of a cluster.",
        examples=("nodes remove lab alpha",),
    ),
)
