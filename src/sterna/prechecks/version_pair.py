"""The target's version is the same or newer, and is there."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.prechecks.base import Check, Context, Finding

_OLDEST = {"mysql": (5, 6), "mariadb": (10, 5)}


class VersionPair(Check):
    """Finds an older target, a pair nobody has tried, and a version that is not installed."""

    name = "version_pair"
    title = "Source and target version"
    category = "basic"
    why = "Data and statements of a newer server do not fit an older one."

    def run(self, context: Context) -> Iterator[Finding]:
        """At most one error."""
        pair = f"{context.version} to {context.target}"
        message = _problem(context)
        if message:
            remedy = "Choose another target version: the same or a newer one, of MySQL if the"
            yield self.error(pair, message=message, remedy=f"{remedy} source is MySQL.")
        elif not context.target_installed:
            yield self.error(
                str(context.target),
                message=f"No server of the version {context.target} can be started here.",
                remedy="Install it (`make servers`), or choose a version of `sterna engine list`.",
            )


def _problem(context: Context) -> str:
    source, target = context.version, context.target
    if not source.at_least(*_OLDEST[source.flavor]):
        return f"{source} is older than anything this upgrade has been tried with."
    if target.is_mariadb and not source.is_mariadb:
        return "From MySQL to MariaDB there is no upgrade."
    if target.is_older_than(source):
        return f"{target} is older than {source}."
    return ""
