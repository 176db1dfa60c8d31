"""Other readers of the binary logs, and moving them from one side to the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from sterna.server.api.common import TheService
from sterna.store.reader_records import LogReaders

router = APIRouter(prefix="/migrations/{cluster_id}/readers", tags=["migrations"])


@dataclass(frozen=True)
class MovedReader:
    """A reader that goes on at the other log.

    `at` is how far it had read the log it left: a position, or GTIDs; the position it went on from
    is then kept with it.
    """

    name: Annotated[str, Field(max_length=255)]
    at: Annotated[str, Field(max_length=65536)] | None = None


@router.get("")
def list_readers(cluster_id: str, service: TheService) -> LogReaders:
    """Who reads the binary logs besides Sterna, or was seen to; both servers are asked."""
    return service.readers.look(cluster_id)


@router.post("/move")
def move_reader(cluster_id: str, moved: MovedReader, service: TheService) -> LogReaders:
    """Note that a reader was moved to the log of the side with the writes."""
    return service.readers.move(cluster_id, moved.name, at=moved.at)
