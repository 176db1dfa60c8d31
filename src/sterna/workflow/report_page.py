"""A report of the prechecks as one HTML page: to print, to send, to keep. It loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from sterna.prechecks import CATEGORIES, PRECHECKS
from sterna.store.records import Evaluation, EvaluationComparison, Finding

_TITLES = {check.name: check.title for check in PRECHECKS}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #1a1a1a }
h2 { border-bottom: 1px solid #ccc; margin-top: 2rem }
article { border-left: 4px solid #999; margin: 1rem 0; padding: 0 0 0 1rem; break-inside: avoid }
article.error { border-color: #b3261e }
article.warning { border-color: #b26a00 }
pre { background: #f4f4f4; padding: .5rem; white-space: pre-wrap; overflow-wrap: anywhere }
small { color: #555 }
@media print { body { margin: 0; max-width: none; font-size: 11px } }
"""
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
"""


def render_page(report: Evaluation, comparison: EvaluationComparison) -> str:
    """The whole page. Everything that came from a server is escaped."""
    title = f"Evaluation of {report.instance_id} for {report.target_version}"
    head = _HEAD.format(title=escape(title), style=_STYLE)
    return head + "".join(_body(report, comparison)) + "</body>\n</html>\n"


def _body(report: Evaluation, comparison: EvaluationComparison) -> Iterator[str]:
    yield (
        f"<p>{escape(report.id)}: <strong>{escape(report.result)}</strong>. Made"
        f" {report.created_at:%Y-%m-%d %H:%M} UTC, kept until {report.expires_at:%Y-%m-%d}."
        f" {_counts(report.findings)}</p>\n"
    )
    yield from _in_the_way(report.findings)
    yield from _changes(comparison)
    new = set(comparison.new)
    for category, title in CATEGORIES.items():
        found = [finding for finding in report.findings if finding.category == category]
        yield f"<h2>{escape(title)}</h2>\n"
        yield from (_finding(finding, is_new=finding in new) for finding in found)
        if not found:
            yield "<p>Nothing was found.</p>\n"


def _in_the_way(findings: Iterable[Finding]) -> Iterator[str]:
    errors = [finding for finding in findings if finding.severity == "error"]
    if errors:
        lines = (
            f"<li>{escape(_TITLES.get(f.check, f.check))}: {escape(f.object)}</li>" for f in errors
        )
        yield f"<p>In the way:</p>\n<ul>{''.join(lines)}</ul>\n"


def _changes(comparison: EvaluationComparison) -> Iterator[str]:
    if comparison.previous_id:
        yield (
            f"<p>Since {escape(comparison.previous_id)}: {len(comparison.new)} new,"
            f" {len(comparison.gone)} gone, {len(comparison.still_there)} still there.</p>\n"
        )
    if comparison.gone:
        lines = (f"<li>{escape(f.check)}: {escape(f.object)}</li>" for f in comparison.gone)
        yield f"<p>Gone:</p>\n<ul>{''.join(lines)}</ul>\n"


def _finding(finding: Finding, *, is_new: bool) -> str:
    words = {"new": is_new, "may be ignored": finding.severity == "error" and finding.ignorable}
    told = [word for word, holds in words.items() if holds]
    more = f" <small>({', '.join(told)})</small>" if told else ""
    title = _TITLES.get(finding.check, finding.check)
    remedy = f"<pre>{escape(finding.remedy)}</pre>\n" if finding.remedy else ""
    return (
        f'<article class="{escape(finding.severity)}">\n'
        f"<h3>{escape(finding.severity)}: {escape(title)}: {escape(finding.object)}{more}</h3>\n"
        f"<p>{escape(finding.message)}</p>\n"
        f"<p><small>{escape(finding.check)}. {escape(finding.why)}</small></p>\n"
        f"{remedy}</article>\n"
    )


def _counts(findings: Iterable[Finding]) -> str:
    listed = list(findings)
    kinds = ("error", "warning", "note")
    counts = (f"{sum(f.severity == kind for f in listed)} {kind}s" for kind in kinds)
    return escape(", ".join(counts)) + "."
