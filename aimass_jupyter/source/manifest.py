"""The manifest: what an archive of own code says of itself. It holds no code."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MANIFEST = "manifest.json"
CODE, NOTEBOOK, OBJECTS, FILES = "code", "notebook", "objects", "files"
FOLDERS = (CODE, NOTEBOOK, OBJECTS, FILES)
DIFF = "git.diff"

MAX_NAMES = 5000
_Text = Annotated[str, Field(max_length=500)]
_Identifier = Annotated[str, Field(pattern=r"^[^\W\d]\w*$", max_length=200)]
Form = Literal["json", "npy", "torch", "arrow", "pandas", "series", "polars"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Part):
    """One thing that travels, as it is listed to a person."""

    name: _Text
    kind: Literal[
        "cell", "function", "class", "value", "import", "object", "module", "file", "script"
    ]
    size_bytes: int = 0
    origin: _Text = Field("", description="Where it comes from.")


class Import(_Part):
    """A name that the notebook has from a module: the module itself, or something in it."""

    name: _Identifier
    module: _Text
    attribute: _Text = ""


class Definition(_Part):
    """A function or a class of the notebook, in a file of its own."""

    name: _Identifier
    path: _Text
    line: int = Field(1, description="Where it began in its cell.")


class Alias(_Part):
    """A second name of something else that travels."""

    name: _Identifier
    of: _Identifier


class DataObject(_Part):
    """A value of the notebook, in a file of its own."""

    name: _Identifier
    path: _Text
    form: Form
    needs: list[_Identifier] = Field(
        default_factory=list, description="The notebook's classes that it holds objects of."
    )


class Use(_Part):
    """Something that code names, and where."""

    name: _Text
    line: int
    where: _Text


class Uses(_Part):
    """What only the control plane can check."""

    modules: list[Use] = Field(default_factory=list, max_length=MAX_NAMES)
    columns: list[Use] = Field(default_factory=list, max_length=MAX_NAMES)
    params: list[Use] = Field(default_factory=list, max_length=MAX_NAMES)
    dataset: list[Use] = Field(default_factory=list, max_length=MAX_NAMES)


class Repository(_Part):
    """Where the code lay under git."""

    commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40,64}$")]
    branch: _Text = ""
    changed: list[_Text] = Field(default_factory=list, max_length=MAX_NAMES)
    diff_bytes: int = Field(0, description="Of the diff in the archive; 0 without one.")
    note: _Text = ""


class Manifest(_Part):
    """What an archive holds."""

    format_version: Literal[1] = 1
    kind: Literal["function", "script"]
    entry: _Text = Field(description="The file that is run, below code/.")
    function: _Identifier = "train"
    label: _Text = Field("cell", description="What a message calls the entry.")
    items: list[Item] = Field(default_factory=list, max_length=MAX_NAMES)
    imports: list[Import] = Field(default_factory=list, max_length=MAX_NAMES)
    definitions: list[Definition] = Field(default_factory=list, max_length=MAX_NAMES)
    aliases: list[Alias] = Field(default_factory=list, max_length=MAX_NAMES)
    objects: list[DataObject] = Field(default_factory=list, max_length=MAX_NAMES)
    uses: Uses = Uses()
    repository: Repository | None = None
