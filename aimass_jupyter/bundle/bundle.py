"""Writing and reading bundles. A file is checked whole before any of it is used."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from aimass_jupyter.bundle.archive import Member, locate, pack, read_member
from aimass_jupyter.bundle.manifest import (
    MANIFEST,
    MEMBERS,
    PREPROCESSING,
    WEIGHTS,
    BundleDescription,
    Manifest,
)
from aimass_jupyter.contract.errors import InvalidRequest, NotFound, did_you_mean
from aimass_jupyter.host import write_bytes

MAX_JSON_BYTES = 8 * 1024**2

_NAMES = (MANIFEST, *MEMBERS)


def write_bundle(path: Path, description: BundleDescription, members: dict[str, bytes]) -> str:
    """Write a bundle whole or not at all, and return its digest.

    Parameters
    ----------
    path
        The file to make; one that exists is replaced.
    description
        What the manifest tells.
    members
        The bytes of ``preprocessing.json``, ``weights.safetensors`` and ``model.onnx``.

    Returns
    -------
    str
        SHA-256 of the file, in hexadecimal. The same content always gives the same digest.

    Raises
    ------
    InvalidRequest
        When a member is missing, unknown or not of its form.
    TooLarge
        When the bundle would be over the limit.
    """
    _check_members(members)
    sums = {name: hashlib.sha256(members[name]).hexdigest() for name in MEMBERS}
    manifest = Manifest(**dict(description), members=sums)
    ordered = {MANIFEST: _encode(manifest)} | {name: members[name] for name in MEMBERS}
    content = pack(ordered)
    write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Check a bundle, every byte of it, and return its manifest.

    Raises
    ------
    NotFound
        When there is no such file.
    InvalidRequest
        When the file is not a bundle as ``write_bundle`` writes it.
    TooLarge
        When it is over the limit.
    """
    with _open(path) as file:
        first, *others = locate(file, _NAMES)
        manifest = _decode(file, first)
        for member in others:
            if _sha256(file, member) != manifest.members[member.name]:
                raise _wrong(file, f"the SHA-256 of {member.name} is not the manifest's")
            _check_form(file, member)
    return manifest


def open_member(path: Path, name: str) -> bytes:
    """Return the bytes of a member, held against the manifest's checksum.

    Raises
    ------
    InvalidRequest
        When the file is not a bundle, or has no such member.
    """
    if name not in MEMBERS:
        raise InvalidRequest(f"a bundle has no member '{name}'", did_you_mean(name, MEMBERS))
    with _open(path) as file:
        members = {member.name: member for member in locate(file, _NAMES)}
        manifest = _decode(file, members[MANIFEST])
        content = b"".join(read_member(file, members[name]))
        if hashlib.sha256(content).hexdigest() != manifest.members[name]:
            raise _wrong(file, f"the SHA-256 of {name} is not the manifest's")
    return content


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError):
        raise NotFound(f"there is no file {path}", "give the path of a bundle") from None


def _encode(manifest: Manifest) -> bytes:
    fields = manifest.model_dump(mode="json")
    return json.dumps(fields, sort_keys=True, indent=1, allow_nan=False).encode()


def _decode(file: BinaryIO, member: Member) -> Manifest:
    """Read a manifest that says the same things, about the same members, as one of ours."""
    content = _read_small(file, member)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or MANIFEST
        raise _wrong(file, f"in its manifest, {place}: {first['msg']}") from None
    if set(manifest.members) != set(MEMBERS):
        raise _wrong(file, f"its manifest does not list exactly {', '.join(MEMBERS)}")
    return manifest


def _read_small(file: BinaryIO, member: Member) -> bytes:
    if member.size > MAX_JSON_BYTES:
        raise _wrong(file, f"{member.name} has {member.size:,} bytes, over {MAX_JSON_BYTES:,}")
    return b"".join(read_member(file, member))


def _sha256(file: BinaryIO, member: Member) -> str:
    digest = hashlib.sha256()
    for chunk in read_member(file, member):
        digest.update(chunk)
    return digest.hexdigest()


def _check_form(file: BinaryIO, member: Member) -> None:
    """Refuse at the door what is not of its form, whatever its name says."""
    if member.name == PREPROCESSING and not _is_json_object(_read_small(file, member)):
        raise _wrong(file, f"{PREPROCESSING} is not a JSON object")
    if member.name == WEIGHTS:
        file.seek(member.start)
        if not _is_safetensors(file.read(min(member.size, 9)), member.size):
            raise _wrong(file, f"{WEIGHTS} is not a safetensors file")


def _check_members(members: dict[str, bytes]) -> None:
    if set(members) != set(MEMBERS):
        given = ", ".join(sorted(members)) or "nothing"
        raise InvalidRequest(f"a bundle holds {', '.join(MEMBERS)}; given: {given}")
    preprocessing, weights = members[PREPROCESSING], members[WEIGHTS]
    if len(preprocessing) > MAX_JSON_BYTES or not _is_json_object(preprocessing):
        raise InvalidRequest(f"{PREPROCESSING} is not a JSON object of at most {MAX_JSON_BYTES:,}")
    if not _is_safetensors(weights[:9], len(weights)):
        raise InvalidRequest(f"{WEIGHTS} is not a safetensors file")


def _is_json_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _is_safetensors(head: bytes, size: int) -> bool:
    """A length in 8 bytes, little-endian, then a JSON object of that length."""
    header = int.from_bytes(head[:8], "little")
    return len(head) == 9 and head[8:] == b"{" and 8 + header <= size


def _wrong(file: BinaryIO, reason: str) -> InvalidRequest:
    return InvalidRequest(
        f"{Path(file.name).name} is not a whole bundle: {reason}", "download it again, unchanged"
    )
