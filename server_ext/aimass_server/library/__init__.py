"""Datasets and registered models: what they are, their versions, their bytes.

Bytes come in as uploads and are kept as blobs; rows refer to digests. Reading a dataset's bytes is
work for a process of its own (``python -m aimass_jupyter.data.importer``); this room starts it and
takes in what it leaves. It knows nothing of jobs or endpoints.
"""

from aimass_server.library.algorithms import Algorithms
from aimass_server.library.datasets import Datasets
from aimass_server.library.models import Models
from aimass_server.library.uploads import Uploads

__all__ = ["Algorithms", "Datasets", "Models", "Uploads"]
