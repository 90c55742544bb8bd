"""Own code on its way into a job: what of a notebook or a script travels, checked before it goes.

::

    manifest.py  what an archive says of itself, and what its code uses
    archive.py   the archive: a zip file, written canonically, read with every limit checked
    names.py     the names that code uses and defines, found from its syntax
    objects.py   data of a notebook as Arrow, NumPy or JSON, and back
    modules.py   modules and files beside a notebook or a script
    definitions.py  the text of what a notebook defines
    capture.py   from a cell and its notebook to all that it needs
    problems.py  a mistake: where, what, and the cure
    mistakes.py  mistakes that are seen in code without running it
    run_members.py  what ``run`` offers, and how its methods are called
    package.py   a cell, a function or a script as an archive
    repository.py  the git commit and the changes since
    inline.py    a small package as text, in the request for its job
    loading.py   an unpacked archive as a function to call, in a job's process

Nothing is ever pickled. It must not import torch or pandas, runs nothing of what it packs (only
``loading`` does, in a job's process), and knows neither a server nor a training loop.
"""
