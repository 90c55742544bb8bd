"""Readers: one file format a module, each giving an Arrow table or an error that says where.

``recognise`` tells the format from the first bytes, and lets the name decide only between formats
that look alike. A reader gets the path of the bytes and the name that people know them by; the
name is what its errors speak of. Nothing is unpickled, and sizes that a file claims are held
against limits before memory is taken for them.
"""

from aimass_jupyter.data.readers.builtin import read_builtin
from aimass_jupyter.data.readers.recognise import read_file

__all__ = ["read_builtin", "read_file"]
