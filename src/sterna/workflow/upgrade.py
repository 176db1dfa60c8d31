"""The one-click upgrade, as the operator's manual tells it.

    upgrade        the source keeps working; a new cluster is filled and follows it
    switch_over    the writes move to the cluster, the source follows
    roll_back      the writes move back, the cluster follows
    complete       the link is cut, the cluster stays the owner of the writes
    cancel         the link is cut, the source stays the owner; the cluster opens for itself
    give_up        the same after a failed precheck, when nothing follows yet
    resolve        it was not known who owns the writes, and a person has decided
    expire         the thirty days are over: the link is cut, whoever has the writes keeps them
    open_cluster   a cluster that was left read-only then is put to use on its own

Each step stands beside its undo in `steps/`. Up to the point of no return a failure puts
everything back as it was; after it the operation is finished whatever happens.
"""

from __future__ import annotations

from sterna.migration.status import Status
from sterna.workflow.engine import Run, operation
from sterna.workflow.steps import closing, preparing, resolving, switching, telling, turning


@operation(busy=Status.CLONING, done=Status.SYNCING, failed=Status.PRE_CHECK_FAIL, attempts=5)
def upgrade(run: Run) -> None:
    """Migrate from RDS: a new cluster, filled and following the source."""
    run(telling.ask_hooks)
    run(preparing.check_before_creating)
    run(preparing.create_nodes)
    run(preparing.open_cluster_endpoints)
    run(preparing.carry_accounts)
    run(preparing.start_synchronization)
    run(preparing.wait_for_full_copy)
    run(preparing.carry_grants)
    run(preparing.add_read_only_nodes)
    run(preparing.announce_running)


@operation(busy=Status.SWITCHING, done=Status.REVERSED)
def switch_over(run: Run) -> None:
    """Switch over: the cluster takes the writes, the source follows."""
    _exchange_roles(run)


@operation(busy=Status.ROLLING_BACK, done=Status.SYNCING)
def roll_back(run: Run) -> None:
    """Roll back: the source takes the writes again, the cluster follows."""
    _exchange_roles(run)


def _exchange_roles(run: Run) -> None:
    """The leaving side hands its writes to the arriving side; the stream turns round."""
    run(telling.ask_hooks)
    run(switching.let_transactions_end)
    run(switching.check_guards)
    run(switching.bring_accounts_up_to_date)
    run(switching.prove_way_back)
    run(switching.note_what_is_there)
    run(switching.keep_cluster_closed)
    run(switching.silence_leaving_side)
    run(switching.hold_endpoints)
    run(switching.block_leaving_side)
    run(switching.cut_sessions)
    run(switching.read_final_position)
    run(switching.catch_up)
    run(switching.stop_following)
    run(switching.check_arriving_side)
    run(switching.note_starting_position)
    run.point_of_no_return(switching.commit)
    run(turning.open_arriving_side)
    if run.arguments["with_endpoints"]:
        run(turning.exchange_endpoints)
    run(turning.release_endpoints)
    run(turning.measure_outage)
    run(turning.keep_new_roles)
    run(turning.follow_the_other_way)
    run(turning.wait_for_other_way)


@operation(busy=Status.CLOSING, done=Status.CLOSED)
def complete(run: Run) -> None:
    """Complete: the cluster stays the owner of the writes, the way back is closed."""
    run(telling.ask_hooks)
    run.point_of_no_return(closing.decide_to_close)
    run(closing.cut_link)
    run(closing.lead_endpoints_home)
    run(closing.remove_traces)
    if run.arguments["disable_binlog"]:
        run(closing.write_out_pages)
        run(closing.hold_primary)
        run(closing.restart_without_binary_log)
        run(closing.release_primary)


@operation(busy=Status.CLOSING, done=Status.CLOSED)
def cancel(run: Run) -> None:
    """Cancel: the source stays the owner of the writes, the cluster opens for itself."""
    run(telling.ask_hooks)
    run.point_of_no_return(closing.decide_to_close)
    run(closing.cut_link)
    run(closing.remove_traces)
    run(closing.open_cluster)


@operation(busy=Status.CLOSING, done=Status.CLOSED)
def give_up(run: Run) -> None:
    """Give up: the upgrade ends before the cluster follows; the cluster opens for itself."""
    run(telling.ask_hooks)
    run.point_of_no_return(closing.decide_to_close)
    run(closing.cut_link)
    run(closing.remove_traces)
    run(closing.open_cluster)


@operation(busy=Status.AMBIGUOUS, done=Status.SYNCING)
def resolve_to_source(run: Run) -> None:
    """Resolve: a person says that the writes are on the source."""
    _put_in_order(run)


@operation(busy=Status.AMBIGUOUS, done=Status.REVERSED)
def resolve_to_cluster(run: Run) -> None:
    """Resolve: a person says that the writes are on the cluster."""
    _put_in_order(run)


def _put_in_order(run: Run) -> None:
    """The chosen side takes the writes, the other is closed and follows where that is possible."""
    run.point_of_no_return(resolving.decide)
    run(resolving.stop_synchronization)
    run(resolving.hold_endpoints)
    run(resolving.close_other_side)
    run(resolving.open_chosen_side)
    run(resolving.lead_endpoints)
    run(resolving.release_endpoints)
    run(resolving.follow_where_possible)


@operation(busy=Status.CLOSING, done=Status.CLOSED)
def expire(run: Run) -> None:
    """Expire: the time is over; the side with the writes keeps them, the other stays read-only."""
    run.point_of_no_return(closing.decide_to_close)
    run(closing.cut_link)
    run(closing.lead_endpoints_home)
    run(closing.remove_traces)


@operation(busy=Status.CLOSED, done=Status.CLOSED)
def open_cluster(run: Run) -> None:
    """Open the cluster: it takes writes on its own, after its migration has expired."""
    run.point_of_no_return(closing.decide_to_open)
    run(closing.open_cluster)
