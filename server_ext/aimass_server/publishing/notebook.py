"""A notebook as it is published: checked, without outputs, marked for the probe. Runs nothing."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aimass_jupyter.contract.errors import InvalidRequest, did_you_mean

DEFAULT_KERNEL = "python3"
_SAVE_AGAIN = "open it in JupyterLab and save it again"
_FORMAT_KEYS = ("nbformat", "nbformat_minor")


@dataclass(frozen=True)
class FrozenNotebook:
    """A notebook that is ready to be served.

    Attributes
    ----------
    content
        The bytes of its file.
    source_mark
        Stands in the source of its last cell: whoever sees it sees source.
    end_mark
        Stands in the output of its last cell: whoever sees it sees a page that is complete.
    first_lines
        The first line of each code cell, by its index among all cells.
    """

    content: bytes
    source_mark: str
    end_mark: str
    first_lines: dict[int, str]

    def number_of(self, index: int) -> int:
        """The number that a person gives the cell: the n-th code cell."""
        return sum(1 for other in self.first_lines if other <= index)


def freeze(content: bytes, filename: str) -> FrozenNotebook:
    """Check a notebook and make the copy that is served.

    Raises
    ------
    InvalidRequest
        When it is no notebook, is empty, or asks for a kernel or template that is not here.
    """
    notebook = _read(content, filename)
    if not any(cell.source.strip() for cell in notebook.cells):
        raise InvalidRequest(f"'{filename}' is empty", "write a cell, save it, publish it again")
    kernel = _kernel(notebook, filename)
    _check_template(notebook, filename)
    first_lines = dict(_code_lines(notebook))
    _strip(notebook, kernel, filename)
    source_mark, end_mark = secrets.token_hex(16), secrets.token_hex(16)
    notebook.cells.append(_last_cell(source_mark, end_mark))
    written = json.dumps(notebook, ensure_ascii=False, indent=1).encode()
    return FrozenNotebook(written, source_mark, end_mark, first_lines)


def _read(content: bytes, filename: str) -> Any:
    """The notebook in the newest format."""
    import nbformat

    _check_form(content, filename)
    try:
        notebook = nbformat.reads(content.decode(), as_version=4)  # type: ignore[no-untyped-call]
        _, notebook = nbformat.validator.normalize(notebook)
        nbformat.validate(notebook)
    except (nbformat.ValidationError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise InvalidRequest(f"'{filename}' is no sound notebook: {reason}", _SAVE_AGAIN) from None
    return notebook


def _check_form(content: bytes, filename: str) -> None:
    """Refuse what nbformat would stumble over: no JSON, or JSON of something else."""
    if not filename.endswith(".ipynb"):
        raise InvalidRequest(
            f"'{filename}' is not a notebook", "publish a file that ends in .ipynb"
        )
    try:
        form = json.loads(content)
    except (ValueError, RecursionError):
        raise InvalidRequest(f"'{filename}' does not hold JSON", _SAVE_AGAIN) from None
    formats = [form.get(key) for key in _FORMAT_KEYS] if isinstance(form, dict) else []
    if not formats or not all(type(number) is int for number in formats):
        raise InvalidRequest(f"'{filename}' is not a notebook: it names no format", _SAVE_AGAIN)


def _kernel(notebook: Any, filename: str) -> str:
    """The kernel that it runs on, which must be one of this server's and speak Python."""
    from jupyter_client.kernelspec import KernelSpecManager

    name = str(notebook.metadata.get("kernelspec", {}).get("name") or DEFAULT_KERNEL)
    known = KernelSpecManager().get_all_specs()
    if name not in known:
        raise InvalidRequest(
            f"'{filename}' asks for the kernel '{name}', which this server does not have",
            did_you_mean(name, known) + "; choose another in JupyterLab and save the notebook",
        )
    language = str(known[name]["spec"].get("language", ""))
    if language.lower() != "python":
        raise InvalidRequest(
            f"'{filename}' is written in {language}", "only Python notebooks can be published"
        )
    return name


def _check_template(notebook: Any, filename: str) -> None:
    """Refuse a template that is not installed: Voila's page would never end."""
    from jupyter_core.paths import jupyter_path

    voila = notebook.metadata.get("voila")
    name = voila.get("template") if isinstance(voila, dict) else None
    folders = (Path(path) for path in jupyter_path("voila", "templates"))
    known = [template.name for folder in folders for template in folder.glob("*")]
    if name is not None and name not in known:
        raise InvalidRequest(
            f"'{filename}' asks for the Voila template '{name}', which this server does not have",
            did_you_mean(str(name), known),
        )


def _code_lines(notebook: Any) -> Iterator[tuple[int, str]]:
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            yield index, cell.source.strip().partition("\n")[0][:120]


def _strip(notebook: Any, kernel: str, filename: str) -> None:
    """Leave what it takes to run it and nothing of how it ran."""
    title = notebook.metadata.get("title") or filename.removesuffix(".ipynb")
    voila = notebook.metadata.get("voila")
    notebook.metadata.clear()
    notebook.metadata.update(
        kernelspec={"name": kernel, "display_name": kernel, "language": "python"}, title=str(title)
    )
    if isinstance(voila, dict):
        looks = {name: voila[name] for name in ("template", "theme") if name in voila}
        notebook.metadata["voila"] = {name: str(value) for name, value in looks.items()}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)


def _last_cell(source_mark: str, end_mark: str) -> Any:
    """A cell of ours by which the probe tells a whole page, and one that shows source."""
    import nbformat

    seen = f'<span hidden data-aimass-complete="{end_mark}"></span>'
    source = (
        f"# {source_mark}\n"
        "from IPython.display import HTML as _AimassHtml, display as _aimass_display\n"
        f"_aimass_display(_AimassHtml('{seen}'))"
    )
    return nbformat.v4.new_code_cell(source)  # type: ignore[no-untyped-call]
