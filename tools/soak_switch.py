"""`make soak-switch`: everything breaks once at every step of a switchover and of a rollback.

The source and the cluster are killed and come back, or hang; the proxy is killed; each network is
cut. After each case either everything is as it was before, or the operation has finished; never
have two sides been writable, and the next write arrives at both. What was played is kept case by
case in build/soak-switch.jsonl and is not played again; --anew forgets it. When all have been
played the figures go to bench/results/soak-switch.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from sterna.errors import SternaError
from tests.faults.victims import Case, all_cases, open_victims

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "bench/results/soak-switch.json"
PLAYED = ROOT / "build/soak-switch.jsonl"

Result = dict[str, object]


def play(cases: list[Case], network_seconds: float, record: Path) -> None:
    """Play the cases and keep each result; servers of a case that went wrong are not used again."""
    left = list(cases)
    while left:
        with open_victims(network_seconds) as victims:
            while left:
                case = left.pop(0)
                began = time.monotonic()
                try:
                    victims.play(case)
                    result = victims.results[-1]
                except (AssertionError, SternaError) as error:
                    result = {"case": str(case), "outcome": "wrong", "why": str(error)[:4000]}
                result["case_seconds"] = round(time.monotonic() - began, 1)
                with record.open("a") as lines:
                    lines.write(json.dumps(result) + "\n")
                print(f"{len(left)} left; {json.dumps(result)}", flush=True)
                if result["outcome"] == "wrong":
                    break


def read_played(record: Path) -> list[Result]:
    """What was played before, in order."""
    if not record.exists():
        return []
    return [json.loads(line) for line in record.read_text().splitlines()]


def longest(results: list[Result], name: str) -> float:
    """The largest value under this name."""
    return max((float(str(result.get(name, 0))) for result in results), default=0.0)


def summary(results: list[Result], network_seconds: float) -> dict[str, object]:
    """The figures of all that was played."""
    return {
        "cases": len(results),
        "outcomes": dict(Counter(str(result["outcome"]) for result in results)),
        "wrong": [result for result in results if result["outcome"] == "wrong"],
        "both_writable_seconds_max": longest(results, "both_writable_seconds"),
        "none_writable_seconds_max": longest(results, "none_writable_seconds"),
        "network_cut_seconds": network_seconds,
        "results": results,
    }


def read_arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network-seconds", type=float, default=1.0, help="how long a cut lasts")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--from", dest="first", type=int, default=0, help="leave out the first N")
    parser.add_argument("--share", default="0/1", help="K/N: every Nth pair, from the Kth on")
    parser.add_argument("--record", type=Path, default=PLAYED, help="where results are kept")
    parser.add_argument("--anew", action="store_true", help="forget what was played before")
    return parser.parse_args()


def main() -> int:
    """Play, write, print; 1 when a case went wrong."""
    asked = read_arguments()
    asked.record.parent.mkdir(exist_ok=True)
    if asked.anew:
        asked.record.unlink(missing_ok=True)
    share, shares = map(int, asked.share.split("/"))
    cases = [case for case in all_cases() if asked.only in str(case)][asked.first :]
    # Two and two: a switchover and the rollback after it.
    cases = [case for at, case in enumerate(cases) if at // 2 % shares == share]
    played = {result["case"] for result in read_played(asked.record)}
    play([case for case in cases if str(case) not in played], asked.network_seconds, asked.record)
    names = {str(case) for case in cases}
    results = [result for result in read_played(asked.record) if result["case"] in names]
    found = summary(results, asked.network_seconds)
    if len(cases) == len(all_cases()):
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")
    print(json.dumps({name: value for name, value in found.items() if name != "results"}, indent=2))
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
