"""Jobs on several nodes: the leader beside the control plane, and an agent on each node.

The supervisor of such a job runs :mod:`~aimass_jupyter.launch.nodes.leader` in its folder. The
leader starts ``python -m aimass_jupyter.launch.nodes.agent`` on each node, by a command that the
cluster's back-end gave (``ssh …``), and speaks with it through that command's stdin and stdout:
frames of one JSON line, some with bytes after it. An agent lays out its node's part of the job in
a folder of its own, has the same supervisor run it, and sends back whatever the job writes, so that
the job's folder beside the control plane tells all, as for a job on this machine.

Whoever loses the other for ten seconds acts alone: an agent ends its ranks, a leader counts the
node as lost. Nothing here knows SSH, a server or a store.
"""
