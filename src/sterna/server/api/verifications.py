"""Verification passes of a migration, and what they found to differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query

from sterna.server.api.common import TheService
from sterna.store.records import DifferencePage, Verification

router = APIRouter(prefix="/migrations", tags=["verification"])

PAGE_ITEMS_MAX = 1000
OFFSET_MAX = 10**12


@dataclass(frozen=True)
class VerificationOrder:
    """What to compare (`database.table`; none is everything) and what to do about differences.

    With `repair` rows that differ are made like those on the side with the writes. With `values`
    differences are kept with the values of both sides.
    """

    tables: tuple[str, ...] = ()
    repair: bool = False
    values: bool = False


@router.post("/{cluster_id}/verify", status_code=202)
def verify(
    cluster_id: str, service: TheService, order: VerificationOrder | None = None
) -> Verification:
    """Compare both sides row by row, in the background, after the passes ordered before."""
    order = order or VerificationOrder()
    return service.verify(cluster_id, tables=order.tables, repair=order.repair, values=order.values)


@router.get("/{cluster_id}/verifications")
def list_verifications(cluster_id: str, service: TheService) -> list[Verification]:
    """All passes, the newest first."""
    return service.verifying.passes(cluster_id)


@router.get("/{cluster_id}/differences")
def list_differences(
    cluster_id: str,
    service: TheService,
    table: Annotated[list[str], Query()] = [],  # noqa: B006 (FastAPI copies it)
    offset: Annotated[int, Query(ge=0, le=OFFSET_MAX)] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE_ITEMS_MAX)] = 100,
) -> DifferencePage:
    """A page of the differences that the last pass over each table found."""
    return service.verifying.differences(cluster_id, tables=table, offset=offset, limit=limit)
