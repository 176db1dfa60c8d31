"""The one stream a page watches, and the overview it begins with."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from sterna.server.access import Who
from sterna.server.api.common import TheService
from sterna.server.events import Presence, Streams, Watched, board_events
from sterna.store.view_records import Choices, NodeClassInfo, Overview, ServerSettings

router = APIRouter(tags=["watching"])


def take_place(request: Request, who: Who) -> Iterator[None]:
    """One of the places there are for streams, until this one ends."""
    streams: Streams = request.app.state.streams
    with streams.taken(who.name):
        yield


@router.get("/events", response_class=EventSourceResponse, dependencies=[Depends(take_place)])
async def watch(
    who: Who,
    service: TheService,
    cluster_id: Annotated[str | None, Query()] = None,
    last_event_id: Annotated[str, Header()] = "",
) -> AsyncIterable[ServerSentEvent]:
    """Everything as it stands, then whatever changes; of one migration, or of all.

    Events: hello, ready, overview, instance, cluster, endpoint, schedule, migration, operation,
    verification, sample, history, gone, signed_out. Only entries of the history have an id; with
    the header Last-Event-ID those missed since are sent.
    """
    known = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16
    watched = Watched(cluster_id, int(last_event_id) if known else None)
    presence = Presence(service.people, who)
    async for event in board_events(service.looking.board, watched, who, presence):
        yield event


@router.get("/overview")
def show_overview(service: TheService) -> Overview:
    """How much there is of everything, and what wants a person."""
    return service.looking.overview()


@router.get("/node-classes")
def list_node_classes(service: TheService) -> tuple[NodeClassInfo, ...]:
    """The sizes nodes come in, smallest first."""
    return service.looking.node_classes()


@router.get("/choices")
def list_choices(service: TheService) -> Choices:
    """What a new cluster can be made of."""
    return service.looking.choices()


@router.get("/settings")
def show_settings(service: TheService) -> ServerSettings:
    """How this server was started, and what it holds itself to. No secrets."""
    return service.looking.settings()
