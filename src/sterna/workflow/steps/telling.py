"""Tells those who want to know that an operation begins."""

from __future__ import annotations

from sterna.workflow.engine import Run, step
from sterna.workflow.hooks import tell_before


@step(no_undo_because="what was told cannot be taken back")
def ask_hooks(run: Run) -> str:
    """Tell the hooks that it begins; a program among them may object."""
    return tell_before(run.tools, run.cluster_id, run.operation.name, run.operation.title)
