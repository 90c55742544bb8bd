"""Shipping: data and code go to a node once, by digest; the newest checkpoint goes to rank 0."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.launch.nodes.blobs import digest_of
from aimass_jupyter.launch.nodes.frames import CHUNK_BYTES
from aimass_jupyter.launch.nodes.links import Link, Links

ANSWER_SECONDS = 60.0
_BYTES_PER_SECOND = 1 << 20  # a slower network counts as none
_CODE = ("source", "work")


@dataclass(frozen=True)
class Shipment:
    """What a job needs on its nodes.

    Attributes
    ----------
    blobs
        Files by their digest, for every node.
    code
        Digest of the one that is unpacked in the part's folder; empty when there is none.
    checkpoints
        Files below ``folder``, for the node of rank 0.
    """

    folder: Path
    blobs: Mapping[str, Path]
    code: str
    checkpoints: list[Path]

    @classmethod
    def of(cls, folder: Path, spec: Mapping[str, Any], scratch: Path) -> Shipment:
        """What the job in a folder needs."""
        blobs: dict[str, Path] = {}
        if spec.get("dataset_digest"):
            blobs[spec["dataset_digest"]] = Path(spec["dataset_path"])
        code = ""
        if any((folder / name).exists() for name in _CODE):
            archive = pack(folder, scratch / "code.tar")
            code = digest_of(archive)
            blobs[code] = archive
        return cls(folder, blobs, code, newest_checkpoints(folder / "checkpoints"))

    @property
    def size_bytes(self) -> int:
        return sum(path.stat().st_size for path in (*self.blobs.values(), *self.checkpoints))


def pack(folder: Path, archive: Path) -> Path:
    """Pack own code so that the same code gives the same bytes."""
    with tarfile.open(archive, "w") as tar:
        for name in _CODE:
            if (folder / name).exists():
                tar.add(folder / name, name, filter=_plain)
    return archive


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs though the code is the same."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def newest_checkpoints(folder: Path) -> list[Path]:
    """The newest checkpoint in each folder of checkpoints."""
    newest: dict[Path, Path] = {}
    for path in sorted(folder.rglob("*.safetensors")):
        newest[path.parent] = path
    return list(newest.values())


def ship(links: Links, shipment: Shipment) -> list[dict[str, str]]:
    """Send each node what it lacks; the faults of those that did not take it."""
    asked = {link: {"do": "have", "digests": list(shipment.blobs)} for link in links.all}
    answers, silent = links.ask(asked, "missing", ANSWER_SECONDS)
    for link, answer in answers.items():
        link.place["code"] = shipment.code
        for digest in answer["digests"]:
            _send_blob(link, digest, shipment.blobs[digest])
    for path in shipment.checkpoints:
        _send_file(links.all[0], str(path.relative_to(shipment.folder)), path)
    patience = ANSWER_SECONDS + shipment.size_bytes / _BYTES_PER_SECOND
    answers, later = links.ask({link: asked[link] for link in answers}, "missing", patience)
    silent |= later | {link: "what was sent did not arrive" for link, a in answers.items()
                       if a["digests"]}  # fmt: skip
    return [{"node": link.node, "check": "reach", "message": why} for link, why in silent.items()]


def _send_blob(link: Link, digest: str, path: Path) -> None:
    print(f"node '{link.node}' gets {path.stat().st_size} bytes, {digest[:12]}…", flush=True)
    with path.open("rb") as file:
        while content := file.read(CHUNK_BYTES):
            link.say({"do": "blob", "digest": digest}, content)
    link.say({"do": "blob", "digest": digest, "last": True})


def _send_file(link: Link, name: str, path: Path) -> None:
    with path.open("rb") as file:
        while content := file.read(CHUNK_BYTES):
            link.say({"do": "file", "is": "part", "path": name}, content)
    link.say({"do": "file", "is": "whole", "path": name})
