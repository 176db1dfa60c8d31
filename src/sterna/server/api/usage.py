"""What clusters have used, for charge-back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Query

from sterna.server.api.common import TheService
from sterna.store.cluster_records import Usage

router = APIRouter(tags=["clusters"])


@router.get("/usage")
def show_usage(
    service: TheService,
    since: Annotated[datetime, Query(alias="from")],
    until: Annotated[datetime, Query(alias="to")],
) -> list[Usage]:
    """Node-hours and storage GB-hours of each cluster; times without a zone are in UTC.

    The hours that begin in this time are counted. Clusters that are gone are still in it.
    """
    return service.metering.report(_aware(since), _aware(until))


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
