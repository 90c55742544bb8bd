"""The words: what can be asked of the control plane, and what it answers.

This room owns the pydantic models (one file a noun), the operation table, the error tree and the
form of ids. It does no I/O and imports no other room: every face (magics, CLI, REST, Python
client, lab) and the server derive from it. To add an operation, declare it in its noun's file and
give the server's room of the same name a method of the same verb; nothing else changes.
"""
