"""The archive: a zip file with a manifest. The same content always gives the same bytes.

Whoever reads one believes nothing: names, sizes, kinds and numbers of members are checked before
a byte of them is used.
"""

from __future__ import annotations

import hashlib
import io
import re
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from aimass_jupyter.contract.errors import InvalidRequest, TooLarge
from aimass_jupyter.source.manifest import CODE, DIFF, FILES, FOLDERS, MANIFEST, OBJECTS, Manifest

MAX_BYTES = 256 * 1024**2
MAX_MEMBERS = 2000
MAX_RATIO = 200
MAX_MANIFEST_BYTES = 4 * 1024**2
_SMALL = 1024**2
_CHUNK = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)
_PART = re.compile(r"[^\x00-\x1f\\/:*?\"<>|]{1,200}")
_ANEW = "make the package anew: %%aimass train, or aimass train SCRIPT"


def pack(manifest: Manifest, members: Mapping[str, bytes]) -> bytes:
    """Return the archive of these members, the manifest first.

    Raises
    ------
    TooLarge
        When there are too many of them, or too many bytes.
    """
    size = sum(map(len, members.values()))
    if size > MAX_BYTES or len(members) >= MAX_MEMBERS:
        raise TooLarge(
            f"{len(members):,} files of {size:,} bytes would travel; the limits are "
            f"{MAX_MEMBERS:,} and {MAX_BYTES:,}",
            "import data as a dataset instead: %aimass datasets import FILE",
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        _add(archive, MANIFEST, manifest.model_dump_json(indent=1).encode())
        for name in sorted(members):
            _add(archive, name, members[name])
    return content.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """A member with a fixed date and mode; data is stored as it is, text is made small."""
    info = zipfile.ZipInfo(name, _DATE)
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o600) << 16
    stored = name.startswith((OBJECTS, FILES))
    info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    archive.writestr(info, content)


def digest_of(archive: bytes) -> str:
    """SHA-256 of an archive."""
    return hashlib.sha256(archive).hexdigest()


def read_manifest(path: Path) -> Manifest:
    """Check an archive, every member of it, and return its manifest.

    Raises
    ------
    InvalidRequest
        When it is not an archive as ``pack`` writes it.
    TooLarge
        When it, or what is in it, is over a limit.
    """
    with _opened(path) as archive:
        members = _members(archive)
        manifest = _manifest(archive)
    _check_fit(manifest, members)
    return manifest


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the members of an archive below a folder that is new; returns the manifest."""
    manifest = read_manifest(path)
    with _opened(path) as archive:
        for info in archive.infolist():
            target = folder.joinpath(*info.filename.split("/"))
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with archive.open(info) as source, target.open("wb") as file:
                while chunk := source.read(_CHUNK):
                    file.write(chunk)
    return manifest


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as error:
        raise _wrong(f"it is no zip file ({error})") from None


def _members(archive: zipfile.ZipFile) -> set[str]:
    """The names of all members, each checked, and the limits on all of them."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise TooLarge(f"the archive has {len(infos):,} members, over {MAX_MEMBERS:,}", _ANEW)
    size = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    if size > MAX_BYTES:
        raise TooLarge(f"the archive unpacks to {size:,} bytes, over {MAX_BYTES:,}", _ANEW)
    if size > _SMALL and size > MAX_RATIO * packed:
        raise TooLarge(f"the archive unpacks to {size // max(1, packed):,} times its size", _ANEW)
    names = [_checked_name(info) for info in infos]
    if len({name.casefold() for name in names}) != len(names):
        raise _wrong("two of its members have the same name")
    _check_content(archive)
    return set(names)


def _checked_name(info: zipfile.ZipInfo) -> str:
    name, parts = info.filename, info.filename.split("/")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG) or info.is_dir():
        raise _wrong(f"'{name[:100]}' is no plain file")
    if any(part in (".", "..") or not _PART.fullmatch(part) for part in parts) or len(name) > 400:
        raise _wrong(f"'{name[:100]}' is no name for a file in it")
    if name not in (MANIFEST, DIFF) and (parts[0] not in FOLDERS or len(parts) < 2):
        raise _wrong(f"'{name[:100]}' lies in none of its folders ({', '.join(FOLDERS)})")
    if info.flag_bits & 1:
        raise _wrong(f"'{name[:100]}' is encrypted")
    return name


def _check_content(archive: zipfile.ZipFile) -> None:
    """Read every member once: a size or a checksum that is not true ends here."""
    try:
        damaged = archive.testzip()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise _wrong(f"it cannot be read ({error})") from None
    except Exception as error:  # zlib.error has no better base
        if type(error).__module__ != "zlib":
            raise
        raise _wrong(f"it cannot be read ({error})") from None
    if damaged:
        raise _wrong(f"'{damaged}' is damaged")


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    try:
        info = archive.getinfo(MANIFEST)
    except KeyError:
        raise _wrong(f"it has no {MANIFEST}") from None
    if info.file_size > MAX_MANIFEST_BYTES:
        raise _wrong(f"its {MANIFEST} has {info.file_size:,} bytes")
    try:
        return Manifest.model_validate_json(archive.read(info))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or MANIFEST
        raise _wrong(f"in its manifest, {place}: {first['msg']}") from None


def _check_fit(manifest: Manifest, members: set[str]) -> None:
    """What the manifest speaks of must be there."""
    definitions = [part.path for part in manifest.definitions]
    objects = [part.path for part in manifest.objects]
    for path in (f"{CODE}/{manifest.entry}", *definitions, *objects):
        if path not in members:
            raise _wrong(f"its manifest names '{path}', which is not in it")


def _wrong(reason: str) -> InvalidRequest:
    return InvalidRequest(f"this is no package of own code: {reason}", _ANEW)
