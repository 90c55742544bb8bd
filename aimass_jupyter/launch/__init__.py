"""What runs beside the ranks, in the job's environment: the supervisor and the launchers.

``python -m aimass_jupyter.launch FOLDER`` supervises one detached thing, told in
``FOLDER/launch.json``. Every key is written by whoever starts it, before it starts it:

``{"kind": "job", "marker": "AIMASS_JOB_ID=job_…", "grace_seconds": 10}``
    Trains what ``FOLDER/spec.json`` (a contract ``JobSpec``) says, through the launcher that the
    spec's engine names.
``{"kind": "command", "argv": […], "cwd": …, "environment": {…}, "log": "log/process.log", …}``
    Runs one program: the gateway, a published notebook, TensorBoard.

It leaves behind, in the same folder, all that anybody needs to know:

``lock``           held (flock) as long as the supervisor lives
``started.json``   who it is (boot, pid, start time), its marker, when it began, warm or cold
``ranks.json``     of a job: the pids of its ranks, and those that failed (:mod:`.gang`)
``log/``           ``launcher.log`` and ``rank-<n>.log``, or the command's log; each has a cap
``restarts.json``  how often the ranks of a job were started again, and why
``notices/``       what a person should know of a job: that it stands still, and who is missing
``exit.json``      exit code, signal, cause (contract ``Cause``), when it began and ended

To stop it: write ``FOLDER/stop.json`` (``{"by": user}``), then send it SIGTERM. Starting it twice
is harmless: the second one finds the lock or the records and leaves with code 3.

:mod:`.warm` is a process that has imported what jobs need and forks their supervisors.

The supervisor knows no server, no store and no torch; it must stay light and must outlive
whatever started it. It answers for one thing above all: that nothing it started is left running.
``python -m aimass_jupyter.launch --engines`` says, as JSON, which engines this environment has.
"""
