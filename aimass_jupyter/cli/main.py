"""The command line: parse, call, show."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import Any, cast

from aimass_jupyter.client import help as help_texts
from aimass_jupyter.client.client import Client, connect
from aimass_jupyter.client.command_line import Command, parse
from aimass_jupyter.client.course import CourseLines
from aimass_jupyter.client.discovery import data_folder
from aimass_jupyter.client.doctor import diagnose
from aimass_jupyter.client.files import refused, save
from aimass_jupyter.client.packing import Package, files_named, listing, packed
from aimass_jupyter.client.starting import down, stop_programs, up
from aimass_jupyter.client.terminal import for_stream
from aimass_jupyter.client.views import as_text
from aimass_jupyter.contract.errors import AimassError, InvalidRequest
from aimass_jupyter.contract.events import EventStream
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import OPERATIONS
from aimass_jupyter.contract.validation import build

EXIT_ERROR, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

_UP_AND_DOWN = """\
aimass up          Run the control plane in the background and print its URL.
aimass down        Stop it; jobs, endpoints and services go on.
aimass down --all  Stop them too."""


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    try:
        return _run(words)
    except InvalidRequest as error:
        return _complain(error, EXIT_USAGE)
    except AimassError as error:
        return _complain(error, EXIT_ERROR)
    except KeyboardInterrupt:
        print("interrupted; what was started goes on", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader (head, less) had enough
        sys.stderr.close()
        return 0
    except OSError as error:
        return _complain(refused(error), EXIT_USAGE)


def _run(words: list[str]) -> int:
    if not words or words[0] in ("help", "-h", "--help"):
        return _help(words[1:])
    if words[0] == "--version":
        from aimass_jupyter import __version__

        print(__version__)
        return 0
    if words[0] in ("up", "down"):
        return _control_plane(words)
    command = parse(words)
    if command.options.get("help"):
        print(help_texts.of(command.operation, "aimass"))
        return 0
    if command.operation.name == "system.doctor":
        return _doctor(as_json=bool(command.options.get("json")))
    with connect() as client:
        return _call(client, command)


def _doctor(*, as_json: bool) -> int:
    """Tell what is broken, also where no control plane answers."""
    with ExitStack() as stack:
        answer = diagnose(lambda: stack.enter_context(connect()))
    print(_shown(answer, as_json))
    return 0 if answer.ok else EXIT_ERROR


def _help(words: list[str]) -> int:
    if words and words[0] in ("up", "down"):
        print(_UP_AND_DOWN)
    elif words:
        print(help_texts.of(OPERATIONS.match(words)[0], "aimass"))
    else:
        print(help_texts.overview("aimass"))
        print("\n" + _UP_AND_DOWN)
    return 0


def _control_plane(words: list[str]) -> int:
    verb, options = words[0], set(words[1:])
    if options & {"--help", "-h"}:
        return _help(words)
    known = {"--json"} if verb == "up" else {"--json", "--all"}
    if unknown := options - known:
        raise InvalidRequest(
            f"'aimass {verb}' does not know '{sorted(unknown)[0]}'", f"known: {', '.join(known)}"
        )
    facts, told = _up() if verb == "up" else _down(everything="--all" in options)
    print(json.dumps(facts) if "--json" in options else told)
    return 0


def _up() -> tuple[dict[str, Any], str]:
    folder = data_folder()
    found = up(folder)
    facts = {"url": found.url, "data_folder": str(folder), "process": found.identity.pid}
    return facts, f"{found.url}  (data in {folder})"


def _down(everything: bool) -> tuple[dict[str, Any], str]:
    """Stop the control plane; with ``everything`` also what it had started."""
    stopped = down(data_folder())
    told = "stopped" if stopped else "none was running"
    if not everything:
        return {"stopped": stopped}, f"{told}; jobs, endpoints and services go on"
    programs = stop_programs(data_folder())
    return {"stopped": stopped, "programs": programs}, f"{told}; {programs} programs were stopped"


def _call(client: Client, command: Command) -> int:
    operation, options = command.operation, command.options
    as_json = bool(options.get("json"))
    if operation.reply == "events":
        return _follow_events(
            client, cast(EventStream, build(operation, command.arguments)), as_json
        )
    if operation.name == "jobs.attach":
        return _wait(client, str(command.arguments.get("job", "")), as_json)
    arguments = _with_code(command)
    answer = client.call(operation, arguments)
    if isinstance(answer, bytes):
        return _write(answer, options.get("output"))
    if options.get("wait") and isinstance(answer, Job):
        return _wait(client, answer.id, as_json)
    print(_shown(answer, as_json))
    return 0 if getattr(answer, "ok", True) else EXIT_ERROR


def _with_code(command: Command) -> dict[str, Any]:
    """The arguments with own code packed; what travels is told before it goes."""
    if command.operation.name != "jobs.submit":
        return command.arguments
    arguments = packed(command.arguments, files_named(command.options))
    if isinstance(package := arguments.get("source"), Package):
        print(listing(package), file=sys.stderr)
    return arguments


def _wait(client: Client, job: str, as_json: bool) -> int:
    """Follow a job to its end: its log as it comes, then what it gave.

    The course goes to the standard error: the standard output holds the answer.
    """
    ended = client.wait(job) if as_json else client.wait(job, CourseLines(sys.stderr))
    print(_shown(ended, as_json))
    return 0 if ended.state == "succeeded" else EXIT_ERROR


def _follow_events(client: Client, request: EventStream, as_json: bool) -> int:
    for event in client.follow_events(request.after):
        print(_shown(event, as_json).replace("\n", "  "), flush=True)
    return 0


def _write(content: bytes, output: str | None) -> int:
    if output:
        print(f"{len(content)} bytes in {save(content, output)}")
    elif sys.stdout.isatty():
        raise InvalidRequest("this is a file, not text", "name one to write to: --output FILE")
    else:
        sys.stdout.buffer.write(content)
    return 0


def _shown(answer: Any, as_json: bool) -> str:
    if as_json:
        return str(answer.model_dump_json(indent=2))
    return for_stream(as_text(answer), sys.stdout)


def _complain(error: AimassError, code: int) -> int:
    print(for_stream(f"aimass: {error.message}", sys.stderr), file=sys.stderr)
    if error.hint:
        print(for_stream(f"  → {error.hint}", sys.stderr), file=sys.stderr)
    return code
