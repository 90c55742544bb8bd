"""The magics themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from aimass_jupyter.client import help as help_texts
from aimass_jupyter.client.client import Client, connect
from aimass_jupyter.client.command_line import Command, parse
from aimass_jupyter.client.doctor import diagnose
from aimass_jupyter.client.files import save
from aimass_jupyter.client.packing import Package, files_named, listing, packed
from aimass_jupyter.contract.errors import Failed, InvalidRequest
from aimass_jupyter.contract.jobs import Job
from aimass_jupyter.contract.table import OPERATIONS
from aimass_jupyter.magics.following import choose, follow, shown
from aimass_jupyter.magics.start_page import start_page
from aimass_jupyter.magics.words import split, take_name
from aimass_jupyter.source.package import pack_cell

PREFIX = "%aimass"
CELL_PREFIX = "%%aimass"
SELECT = "Choose a dataset and an algorithm, train, compare, promote and deploy in a panel."


@magics_class
class AimassMagics(Magics):
    """``%aimass <verb> …``."""

    _client: Client | None = None
    _name: str | None = None  # what the answer shall be called in the notebook: -o NAME

    @property
    def client(self) -> Client:
        """The client, connected when it is first needed."""
        if self._client is None:
            self._client = connect()
        return self._client

    @no_var_expand
    @line_cell_magic
    def aimass(self, line: str, cell: str | None = None) -> Any:
        """Train, deploy and publish from a cell. ``%aimass help`` lists the verbs."""
        assert self.shell is not None  # a magic runs in a shell
        words, self._name = take_name(split(line, self.shell.user_ns))
        answer = self._answer(words) if cell is None else self._run_cell(words, line, cell)
        return self._named(answer)

    def _named(self, answer: Any) -> Any:
        assert self.shell is not None  # a magic runs in a shell
        if self._name is not None:
            self.shell.user_ns[self._name] = answer
        return answer

    def _answer(self, words: list[Any]) -> Any:
        if not words:
            return start_page(self.client)
        if words[0] == "help":
            return self._help(words[1:])
        if words == ["select"]:
            return choose(self.client)
        return self._run(parse(words))

    def _run_cell(self, words: list[Any], line: str, cell: str) -> Any:
        """Train what the cell below a magic defines."""
        assert self.shell is not None  # a magic runs in a shell
        command = parse(words or ["train"])
        if command.options.get("help"):
            return self._help([command.operation.noun, command.operation.verb])
        if command.operation.name != "jobs.submit" or command.arguments.get("source"):
            raise InvalidRequest(
                f"there is nothing to do with the cell below '{CELL_PREFIX} {line.strip()[:60]}'",
                f"write {CELL_PREFIX} train above a cell that defines train(run), else {PREFIX}",
            )
        command.arguments["source"] = pack_cell(
            cell,
            self.shell.user_ns,
            Path.cwd(),
            params=command.arguments.get("params"),
            files=files_named(command.options),
            magic=f"{CELL_PREFIX} {line}".rstrip(),
        )
        return self._run(command)

    def _help(self, words: list[str]) -> None:
        if words == ["select"]:
            print(f"{SELECT}\n\nusage: {PREFIX} select")
        elif words:
            print(help_texts.of(OPERATIONS.match(words)[0], PREFIX))
        else:
            print(f"{help_texts.overview(PREFIX)}\n\n{PREFIX} select   {SELECT}")

    def _run(self, command: Command) -> Any:
        operation, options = command.operation, command.options
        if options.get("help"):
            return self._help([operation.noun, operation.verb])
        if operation.reply == "events":
            raise InvalidRequest("a cell cannot follow a stream", f"see: {PREFIX} events")
        if operation.name == "jobs.attach":
            return self._attach(command)
        answer = self._asked(command)
        if isinstance(answer, bytes):
            return _write(answer, options.get("output"))
        if operation.queues:
            return self._follow(answer, wait=bool(options.get("wait")))
        return answer.model_dump(mode="json") if options.get("json") else answer

    def _asked(self, command: Command) -> Any:
        """Answer a command; what doctor looks for is there also without a server."""
        if command.operation.name == "system.doctor":
            return diagnose(lambda: self.client)
        submits = command.operation.name == "jobs.submit"
        arguments = self._with_code(command) if submits else command.arguments
        return self.client.call(command.operation, arguments)

    def _with_code(self, command: Command) -> dict[str, Any]:
        """The arguments with own code packed; what travels is listed before it goes."""
        arguments = packed(command.arguments, files_named(command.options))
        if isinstance(package := arguments.get("source"), Package):
            print(listing(package))
        return arguments

    def _attach(self, command: Command) -> Job:
        job = self.client.jobs.show(job=command.arguments.get("job"))
        return self._follow(job, wait=bool(command.options.get("wait")))

    def _follow(self, job: Job, wait: bool) -> Job:
        """Show the live panel of a job; with ``wait``, stay until the job has ended.

        Raises
        ------
        Failed
            When it was waited for and did not succeed: the cells below count on its model.
        """
        self._named(job)  # it is there also when the wait ends early or badly
        ended = follow(self.client, job, wait)
        if wait and ended.final and ended.state != "succeeded":
            self._named(ended)
            why = ended.cause.message if ended.cause else "no cause is known"
            raise Failed(f"job '{job.name}' {ended.state}: {why}", f"{PREFIX} logs {job.id}")
        return shown(ended)


def _write(content: bytes, output: str | None) -> Path:
    if not output:
        raise InvalidRequest("this is a file, not text", "name one to write to: --output FILE")
    return save(content, output)
