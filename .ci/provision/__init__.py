"""Set-up of a checkout: a virtual environment with everything the project runs on.

Runs on the standard library alone, before anything is installed, with any Python from 3.11.

========== ==================================================================================
module     owns
========== ==================================================================================
machine    what this computer offers (compiler, Node, CUDA, browser) and what a child inherits
programs   running one program: its log, a sign of life, stopping it with all it started
steps      a step, the stamp that says it is done, and running a list of them in order
packages   pip, and what an interrupted installation left half written
layout     where things lie in the checkout
actions    what each step of this project does
plan       the steps in order: what each depends on, makes, and how it is cured
horovod    the Horovod wheel: built once for a Python and a torch, checked, cached
command    options, signals, exit code
========== ==================================================================================

It never needs root (only the browser for the tests may come from the system's packages, and only
when root already runs it), never edits a file that git tracks, and names no package registry:
where packages come from is the business of pip's and npm's own settings.
"""
