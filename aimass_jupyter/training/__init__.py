"""Training: one loop for every engine, from a job's ``spec.json`` to a bundle.

::

    rank.py      the program of a rank: log, spec, data, engine, then ``train``
    failure.py   how a rank says why it fails
    loop.py      the loop; the only one, and it reads top to bottom
    place.py     which rank this is, from what the launcher says
    engine.py    what ranks do together: sum, broadcast, gather (single, horovod, torchrun)
    rows.py      the dataset of a rank: split, preprocessing, batches and this rank's part of each
    weights.py   all parameters and gradients of a network, as one vector each
    optimizer.py AdamW and SGD on such a vector, and how the step size goes
    checkpoint.py state that training goes on from, written whole, never pickled
    live.py      what a rank holds of a fit, so that it can go on without a checkpoint
    elastic.py   ranks that come and go, on Horovod
    loss_guard.py  what happens when a loss is no number
    events.py    TensorBoard event files
    curves.py    which curves a run writes, and how often
    onnx_graph.py  a network as ONNX
    export.py    the bundle, its ONNX checked against torch on real rows
    own_code.py  own code: a function that is given ``run``, or a script as it is
    run.py       ``run``; with run_dataset.py, run_state.py, distribution.py, own_model.py, shown.py
    tracked_run.py  a run without a job, of a notebook or a script; sending_events.py
    event_links.py  event files that a script writes elsewhere
    dry_run.py   one step on a few rows

Rank 0 alone writes: event files, checkpoints, ``metrics.json``, ``bundle.aimass``. Each rank has
a heartbeat (``beats/``), and may write ``failure-rank-<n>.json``. Nothing here starts a process.
Only ``tracked_run.py``, and what it sends with, know a server.
"""
