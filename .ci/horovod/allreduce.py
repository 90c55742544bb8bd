"""Run under ``horovodrun``: every rank adds a one, and each must see the number of ranks."""

import horovod.torch as hvd
import torch

hvd.init()
total = hvd.allreduce(torch.ones(1), op=hvd.Sum).item()
if total != hvd.size():
    raise SystemExit(f"rank {hvd.rank()}: the sum over {hvd.size()} ranks is {total}")
print(f"rank {hvd.rank()} of {hvd.size()}: sum {total:.0f}", flush=True)
