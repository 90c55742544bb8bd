"""The gateway: the one door through which models are asked, a program and a port of its own.

``python -m aimass_server.serving.gateway FOLDER`` speaks the Open Inference Protocol v2 over HTTP
to clients, and frames (:mod:`aimass_jupyter.contract.frames`) over a Unix socket to each replica.
It goes on while the control plane is away. What it knows it reads from its folder:

==================  ========  ================================================================
file                written   what it says
==================  ========  ================================================================
``settings.json``   for it    host, the ports to prefer, further names it may be called by
``internal.json``   for it    the control plane's own key (mode 0600)
``routes.json``     for it    which endpoint is which replica's socket, and the hashes of its keys
``address.json``    by it     where it listens, and which port it found taken
==================  ========  ================================================================

It never starts or stops a replica, never opens a database or a model, and never writes a key to
its log. A body is passed on as it came: the replica reads it, and says what is wrong with it.
"""
