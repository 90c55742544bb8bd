"""Datasets and registered models: what they are, their versions, their bytes.

Bytes come in as uploads and are kept as blobs; rows refer to digests. Reading a dataset's bytes is
work of the queue; this room takes in what the importer leaves. It starts nothing itself.
"""

from aimass_server.library.algorithms import Algorithms
from aimass_server.library.datasets import Datasets
from aimass_server.library.models import Models
from aimass_server.library.shelves import Shelves
from aimass_server.library.uploads import Uploads

__all__ = ["Algorithms", "Datasets", "Models", "Shelves", "Uploads"]
