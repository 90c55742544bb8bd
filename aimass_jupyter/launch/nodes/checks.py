"""Checks: what must be true of nodes before ranks are started on them; one line a fault.

``python -m aimass_jupyter.launch.nodes.checks`` reads ``{"places": […], "engine": …}`` on stdin and
prints ``{"facts": {node: …}, "faults": […]}``: how the control plane checks nodes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aimass_jupyter.launch.nodes.facts import versions
from aimass_jupyter.launch.nodes.links import Link, Links

ANSWER_SECONDS = 30.0
_CLOCK_SECONDS = 2.0
_LEAST_DISK_BYTES = 1 << 28

Fault = dict[str, str]
Facts = dict[str, dict[str, Any]]


def check(links: Links, engine: str = "") -> tuple[Facts, list[Fault]]:
    """Ask all nodes about themselves, then whether each reaches each other one."""
    asked = time.time()
    began = time.monotonic()
    questions = {
        link: {"do": "facts", "address": link.address, "folder": link.place.get("folder")}
        for link in links.all
    }
    answers, silent = links.ask(questions, "facts", ANSWER_SECONDS)
    passed = time.monotonic() - began
    faults = [_fault(link, "reach", why) for link, why in silent.items()]
    for link, facts in answers.items():
        faults += _faults_of(link, facts, asked, passed)
    faults += _differences(answers)
    if engine == "horovod" and len(links.all) > 1:
        faults += [fault for link, facts in answers.items() for fault in _misnamed(link, facts)]
    if len(links.all) > 1 and not faults:
        faults += _unconnected(links)
    return {link.node: facts for link, facts in answers.items()}, faults


def _fault(link: Link, check: str, message: str) -> Fault:
    return {"node": link.node, "check": check, "message": message}


def _faults_of(link: Link, facts: Mapping[str, Any], asked: float, passed: float) -> list[Fault]:
    """What is wrong with one node alone."""
    faults = []
    early, late = asked - _CLOCK_SECONDS, asked + passed + _CLOCK_SECONDS
    if not early <= facts["time"] <= late:
        away = facts["time"] - asked
        faults.append(_fault(link, "clock", f"its clock is {away:+.0f} s off; set up NTP"))
    if not facts["interface"]:
        message = f"none of its network interfaces has the address {link.address}"
        faults.append(_fault(link, "interface", message))
    elif facts["listens"]:
        message = f"no port of {link.address} can be listened on: {facts['listens']}"
        faults.append(_fault(link, "port", message))
    if facts["disk_free_bytes"] < _LEAST_DISK_BYTES:
        free = facts["disk_free_bytes"] >> 20
        faults.append(_fault(link, "disk", f"only {free} MB are free where jobs work"))
    ours, theirs = versions()["aimass-jupyter"], facts["packages"].get("aimass-jupyter")
    if ours != theirs:
        message = f"aimass-jupyter is {theirs or 'not installed'} there, {ours} here"
        faults.append(_fault(link, "packages", message))
    return faults


def _misnamed(link: Link, facts: Mapping[str, Any]) -> list[Fault]:
    """Horovod's ranks tell each other the address that their host's own name stands for."""
    if facts["name_is_address"]:
        return []
    message = (
        f"its own name '{facts['name']}' does not stand for {link.address} there: Horovod needs "
        f"the line '{link.address} {facts['name']}' in its /etc/hosts"
    )
    return [_fault(link, "name", message)]


def _differences(answers: Mapping[Link, Mapping[str, Any]]) -> list[Fault]:
    """Where a node has other versions than the first one."""
    faults = []
    known = list(answers.items())
    for link, facts in known[1:]:
        first, model = known[0]
        if model["python"] != facts["python"]:
            message = f"Python is {facts['python']} there, {model['python']} on '{first.node}'"
            faults.append(_fault(link, "python", message))
        for name, version in model["packages"].items():
            if (found := facts["packages"].get(name, "")) != version:
                message = f"{name} is {found or 'not there'}, {version or 'not there'} on"
                faults.append(_fault(link, "packages", f"{message} '{first.node}'"))
    return faults


def _unconnected(links: Links) -> list[Fault]:
    """Which nodes do not reach which."""
    questions = {link: {"do": "listen", "address": link.address} for link in links.all}
    listening, silent = links.ask(questions, "listening", ANSWER_SECONDS)
    faults = [_fault(link, "reach", why) for link, why in silent.items()]
    for link, answer in listening.items():
        link.place["probe"] = {"node": link.node, "address": link.address, "port": answer["port"]}
    asked = {link: {"do": "connect", "peers": peers_of(link, links.all)} for link in listening}
    answers, silent = links.ask(asked, "connected", ANSWER_SECONDS + 3 * len(links.all))
    faults += [_fault(link, "reach", why) for link, why in silent.items()]
    for link, answer in answers.items():
        for found in answer["faults"]:
            message = f"it does not reach node '{found['node']}': {found['why']}"
            faults.append(_fault(link, "connect", message))
    return faults


def peers_of(link: Link, links: Sequence[Link]) -> list[dict[str, Any]]:
    """Where the other nodes listen for those who try them."""
    return [other.place["probe"] for other in links if other is not link and "probe" in other.place]


def main() -> int:
    """Check what stdin names."""
    question = json.load(sys.stdin)
    links = Links(question["places"])
    try:
        facts, faults = check(links, question.get("engine", ""))
    finally:
        links.close(2.0)
    print(json.dumps({"facts": facts, "faults": faults}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
