"""`make soak-switch`: everything breaks once at every step of a switchover and of a rollback.

The source and the cluster are killed and come back, the proxy is killed, each network is cut. After
each case either everything is as it was before, or the operation has finished; never have two sides
been writable, and the next write arrives at both. Writes bench/results/soak-switch.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from sterna.errors import SternaError
from tests.faults.victims import Case, Victims, all_cases, open_victims

RESULTS = Path(__file__).parents[1] / "bench/results/soak-switch.json"


def play(victims: Victims, cases: list[Case]) -> dict[str, str]:
    """Play the cases; what went wrong by the case's name."""
    wrong: dict[str, str] = {}
    for number, case in enumerate(cases, start=1):
        began = time.monotonic()
        try:
            outcome = victims.play(case)
        except (AssertionError, SternaError) as error:
            wrong[str(case)] = outcome = str(error)[:2000]
        print(
            f"{number}/{len(cases)} {time.monotonic() - began:5.1f} s {case}: {outcome}", flush=True
        )
    return wrong


def summary(victims: Victims, cases: list[Case], wrong: dict[str, str]) -> dict[str, object]:
    """The figures of a run."""
    return {
        "cases": len(cases),
        "wrong": wrong,
        "outcomes": dict(Counter(str(result["outcome"]) for result in victims.results)),
        "both_writable_seconds_max": max(
            (float(str(result["both_writable_seconds"])) for result in victims.results), default=0
        ),
        "none_writable_seconds_max": max(
            (float(str(result["none_writable_seconds"])) for result in victims.results), default=0
        ),
        "network_cut_seconds": victims.network_seconds,
        "results": victims.results,
    }


def main() -> int:
    """Play, write, print; 1 when a case went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network-seconds", type=float, default=1.0, help="how long a cut lasts")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    asked = parser.parse_args()
    cases = [case for case in all_cases() if asked.only in str(case)]
    with open_victims(asked.network_seconds) as victims:
        wrong = play(victims, cases)
        result = summary(victims, cases, wrong)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(
        json.dumps({name: value for name, value in result.items() if name != "results"}, indent=2)
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
