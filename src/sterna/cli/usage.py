"""`sterna usage`: what clusters have used."""

from __future__ import annotations

import csv
import dataclasses
import sys
from datetime import datetime
from typing import Annotated

import typer

from sterna.cli.client import connect
from sterna.cli.output import Json, print_table, show
from sterna.store.cluster_records import Usage

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%z"]


def usage(
    since: Annotated[
        datetime, typer.Option("--from", formats=FORMATS, help="First hour; UTC without a zone.")
    ],
    until: Annotated[
        datetime, typer.Option("--to", formats=FORMATS, help="End; this hour is not counted.")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print lines for a spreadsheet.")] = False,
    as_json: Json = False,
) -> None:
    """Show node-hours and storage GB-hours of each cluster, for charge-back."""
    times = {"from": since.isoformat(), "to": until.isoformat()}
    found = connect().get("/usage", list[Usage], **times)
    show(found, as_json=as_json, human=lambda: _csv(found) if as_csv else _table(found))


def _table(found: list[Usage]) -> None:
    usual = ("Cluster", "Node class", "Billing method", "Node-hours", "Storage GB-hours")
    columns = (*usual, "Storage not measured, hours")
    rows = (dataclasses.astuple(each) for each in found)
    print_table(columns, rows, empty="Nothing was used in this time.")


def _csv(found: list[Usage]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(Usage))
    writer.writerows(dataclasses.astuple(each) for each in found)
