"""Ten thousand tables of a sync task, asked for a page at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from sterna.store.repository import open_store
from sterna.store.task_pages import SORTS, STATES, Wanted
from sterna.store.tasks import Tasks

TABLES = 10_000
PAGE_SECONDS_MAX = 2.0  # on a machine with ten other things to do; alone it is some hundredths


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tasks]:
    """A store with one task of ten thousand tables in all states."""
    folder = tmp_path_factory.mktemp("many")
    database, _ = open_store(f"sqlite:///{folder}/s.db", folder / "key")
    tasks = Tasks(database)
    tasks.add("dts-1", "shop")
    rows = [
        {
            "database": f"shop_{number % 40:02}",
            "table": f"orders_{number:05}",
            "rows_estimated": 1000 + number,
            "rows_copied": (1000 + number) * (number % 3) // 2,
            "bytes_copied": number,
            "state": ("waiting", "copying", "copied")[number % 3],
            "differences": int(number % 1000 == 7),
        }
        for number in range(TABLES)
    ]
    tasks.put_tables("dts-1", rows)
    yield tasks
    database.close()


@pytest.mark.parametrize("sort", SORTS)
def test_any_page_in_any_order_comes_at_once(
    tasks: Tasks, sort: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first and the last page, of all and of each state; pages together are all tables."""
    slowest = 0.0
    for state in STATES:
        for offset in (0, TABLES - 100):
            began = time.perf_counter()
            page = tasks.pages.tables("dts-1", Wanted(state=state, sort=sort, offset=offset))
            slowest = max(slowest, time.perf_counter() - began)
            assert page.total == TABLES
            assert len(page.items) == min(100, max(0, page.matching - offset))
    with capsys.disabled():
        print(f" {1000 * slowest:.0f} ms", end="")
    assert slowest < PAGE_SECONDS_MAX


def test_pages_hold_every_table_once(tasks: Tasks) -> None:
    """However they are sorted, also where thousands are alike in what they are sorted by."""
    for sort in ("name", "differences"):
        wanted = [Wanted(sort=sort, offset=offset, limit=1000) for offset in range(0, TABLES, 1000)]
        pages = [tasks.pages.tables("dts-1", each).items for each in wanted]
        names = {(one.database, one.table) for page in pages for one in page}
        assert len(names) == TABLES
    found = tasks.pages.tables("dts-1", Wanted(search="_07.orders_00007"))
    assert [one.table for one in found.items] == ["orders_00007"]


def test_all_tables_are_listed_at_once(tasks: Tasks) -> None:
    """Listing all costs each some hundredths of a millisecond; what is not in the list any more
    goes, what a verification has said of the others stays."""
    tasks.add("dts-2", "shop")
    names = [("shop", f"t{number}") for number in range(TABLES)]
    for _ in range(2):
        listed = [{"database": d, "table": t, "state": "waiting"} for d, t in names]
        began = time.process_time()
        tasks.put_tables("dts-2", listed, are_all=True)
        assert (time.process_time() - began) / TABLES < 0.001
        tasks.put_table("dts-2", "shop", "t7", differences=3)
    tasks.put_tables("dts-2", listed[5:], are_all=True)
    tasks.put_tables("dts-2", [{**listed[7], "state": "copying", "rows_copied": 8}])
    left = {one.table: one for one in tasks.task("dts-2").tables}
    assert len(left) == TABLES - 5 and "t4" not in left
    assert (left["t7"].state, left["t7"].rows_copied, left["t7"].differences) == ("copying", 8, 3)
    tasks.forget_tables("dts-2")
