"""Limits and figures of sync tasks as a client on the network sees them."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from sterna.migration.rate import TaskRate
from tests.fixtures.pretend_service import TOKEN, PretendService, serving


@pytest.fixture
def service() -> PretendService:
    """The service behind the API."""
    return PretendService()


@pytest.fixture
def client(service: PretendService) -> Iterator[httpx.Client]:
    """A client that has the token."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        serving(service) as server,
        httpx.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client,
    ):
        yield client


RATE = "/api/v1/tasks/dts1/rate"


def test_limits_are_changed_one_by_one(client: httpx.Client, service: PretendService) -> None:
    """What is not named stays as it is."""
    answer = client.patch(RATE, json={"full_rows_per_second": 500, "back_off": False})
    assert answer.status_code == 200
    assert answer.json()["rate"] == {
        "full_rows_per_second": 500,
        "full_bytes_per_second": 0,
        "full_queries_per_second": 0,
        "incremental_rows_per_second": 0,
        "incremental_bytes_per_second": 0,
        "verify_rows_per_second": 0,
        "back_off": False,
    }
    rate = TaskRate(full_rows_per_second=500, back_off=False)
    assert service.calls == [("change_rate", "dts1", rate)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 409, "NothingToChange"),
        ({"full_rows_per_second": -1}, 409, "RateOutOfRange"),
        ({"full_rows_per_second": 10**13}, 409, "RateOutOfRange"),
        ({"full_rows_per_second": 1.5}, 422, "InvalidRequest"),
        ({"full_rows": 5}, 422, "InvalidRequest"),
    ],
)
def test_what_is_no_limit_is_refused(
    client: httpx.Client, service: PretendService, body: dict[str, float], status: int, code: str
) -> None:
    """With the reason, and before anything was changed."""
    answer = client.patch(RATE, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["remedy"]
    assert not service.calls


def test_samples_are_asked_for_by_time(client: httpx.Client, service: PretendService) -> None:
    """A day at most."""
    (sample,) = client.get("/api/v1/tasks/dts1/metrics", params={"seconds": 30}).json()
    assert (sample["rows_per_second"], sample["throttled_because"]) == (2500.0, "it is limited")
    assert service.calls == [("samples", "dts1", 30.0)]
    for seconds in (0, 86401):
        answer = client.get("/api/v1/tasks/dts1/metrics", params={"seconds": seconds})
        assert answer.status_code == 422


def test_prometheus_reads_all_tasks(client: httpx.Client) -> None:
    """Figures that are not known are left out; without the token there is nothing to read."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    labels = '{cluster="pc-1",direction="Forward",instance="rm-1",task="dts1"}'
    lines = answer.text.splitlines()
    assert f"sterna_task_copy_rows_per_second{labels} 2500.0" in lines
    assert f"sterna_task_throttled{labels} 1.0" in lines
    assert f"sterna_task_spool_bytes{labels} 4096.0" in lines
    assert 'sterna_endpoint_sessions{endpoint="pe-1",owner="rm-1",type="Primary"} 3.0' in lines
    assert 'sterna_node_in_rotation{cluster="pc-1",node="pi-2"} 1.0' in lines
    assert "sterna_proxy_up 1.0" in lines
    assert not [line for line in lines if line.startswith("sterna_task_lag_seconds{")]
    assert "# TYPE sterna_task_lag_seconds gauge" in lines
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
