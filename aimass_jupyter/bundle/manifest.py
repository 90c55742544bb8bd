"""The manifest: what a bundle says of itself. It describes the members and never reads them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

from aimass_jupyter.contract.base import Name, UtcTime
from aimass_jupyter.contract.models import Signature

MANIFEST = "manifest.json"
PREPROCESSING = "preprocessing.json"
WEIGHTS = "weights.safetensors"
MODEL = "model.onnx"
MEMBERS = (PREPROCESSING, WEIGHTS, MODEL)

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class BundleDescription(BaseModel):
    """What the writer of a bundle tells about its model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name
    task: Literal["classification", "regression"]
    algorithm: Name
    params: dict[str, JsonValue] = Field(description="All hyperparameters.")
    metrics: dict[str, FiniteFloat | None] = Field(
        description="On the held-out rows; None where a metric is NaN or infinite."
    )
    signature: Signature
    dataset: str = Field(max_length=200, description="name@version it was trained on.")
    dataset_digest: str = Field(max_length=200)
    job: str = Field(max_length=128, description="Id of the job that made it.")
    created_at: UtcTime
    libraries: dict[str, str] = Field(description="Library → version that it was made with.")


class Manifest(BundleDescription):
    """A description, with the form of the file and the checksum of every other member."""

    format_version: Literal[1] = 1
    members: dict[str, Sha256] = Field(description="Member → SHA-256 in hexadecimal.")
