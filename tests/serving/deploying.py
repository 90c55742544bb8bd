"""A control plane cut down to its serving room, to be killed: deploys a bundle and waits.

``python deploying.py DATA BUNDLE VERSIONS`` deploys as many versions of the bundle, one after the
other, as endpoint ``linear``, and prints each endpoint as a line of JSON.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from aimass_jupyter.bundle import read_manifest
from aimass_jupyter.contract.endpoints import EndpointDeploy
from aimass_jupyter.contract.ids import utc_now
from aimass_jupyter.contract.models import ModelDetail, ModelVersion
from aimass_server.access import Call, Principal
from aimass_server.serving import Serving
from aimass_server.store import Blobs, Store


async def main(data: Path, bundle: Path, versions: int) -> None:
    store, blobs = Store(data / "aimass.db"), Blobs(data / "blobs")
    store.open()
    blobs.open()
    manifest, blob = read_manifest(bundle), blobs.take_file(bundle)
    blobs.unpin(blob.digest)

    async def find(call: Call, reference: str) -> ModelDetail:
        version = ModelVersion(
            version=int(reference.rpartition("@")[2]),
            digest=blob.digest,
            size_bytes=blob.size_bytes,
            task=manifest.task,
            algorithm="linear",
            metrics={},
            signature=manifest.signature,
            dataset="made@1",
            job="job_made",
            created_at=utc_now(),
        )
        return ModelDetail(
            id="mdl_linear",
            name="linear",
            owner=call.user,
            tenant=call.tenant,
            created_at=utc_now(),
            versions=versions,
            aliases={},
            latest=version,
            selected=version,
            history=[version],
        )

    serving = Serving(store, blobs, data, find)
    await serving.open()
    call = Call(Principal("ada", "author"), "endpoints.deploy")
    print("open", flush=True)
    for version in range(1, versions + 1):
        endpoint = await serving.deploy(call, EndpointDeploy(model=f"linear@{version}"))
        print(endpoint.model_dump_json(), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
