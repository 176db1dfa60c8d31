"""Ranges MIN:MAX on the command line: the limits of a cluster that follows its load."""

from __future__ import annotations

import typer


def limits(classes: str, nodes: str) -> dict[str, str | int]:
    """The fields of the API for two ranges; those left out are not in it. BadParameter."""
    found: dict[str, str | int] = {}
    if classes:
        found["memory_min_class"], found["memory_max_class"] = _range(classes)
    if nodes:
        lowest, highest = _range(nodes)
        if not (lowest.isdecimal() and highest.isdecimal()):
            raise typer.BadParameter(f"{nodes} are not two numbers, e.g. 0:3.")
        found["nodes_min"], found["nodes_max"] = int(lowest), int(highest)
    return found


def _range(text: str) -> tuple[str, str]:
    """ "MIN:MAX"; one alone is both."""
    lowest, colon, highest = text.partition(":")
    if not lowest or (colon and not highest):
        raise typer.BadParameter(f"{text} is not a range MIN:MAX.")
    return lowest, highest or lowest
