"""Shapes mean on the target what they mean on the source."""

from __future__ import annotations

from collections.abc import Iterator

from sterna.mysql.identifiers import quote
from sterna.prechecks.base import Check, Context, Finding

_TYPES = frozenset(
    {"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"}
    | {"multipolygon", "geometrycollection", "geomcollection"}
)
ROWS_SAMPLED = 1000


class SpatialReferences(Check):
    """Looks at the first thousand rows of each table for spatial reference systems."""

    name = "spatial_references"
    title = "Spatial reference systems"
    category = "other"
    why = (
        "Servers before 8.0 calculate in a plane whatever the SRID says. From 8.0 on distances and"
        " areas are those on the globe, axes may be exchanged, and unknown SRIDs are errors."
    )

    def run(self, context: Context) -> Iterator[Finding]:
        """One warning per column; a note on what could not be looked at."""
        knows = context.target.at_least(8) and not context.version.at_least(8)
        if not context.to_mysql or not (knows or context.version.is_mariadb):
            return
        function = "ST_SRID" if context.version.at_least(5, 7) else "SRID"
        for table, column in context.table_columns:
            if column.data_type in _TYPES:
                yield from self._sample(context, function, table.database, table.name, column.name)
        yield from self.unseen(context)

    def _sample(self, context: Context, function: str, *names: str) -> Iterator[Finding]:
        column, name = quote(names[2]), quote(*names[:2])
        rows = context.sample(
            ".".join(names[:2]),
            f"DISTINCT {function}(g) FROM (SELECT {column} AS g FROM {name}"
            f" LIMIT {ROWS_SAMPLED}) AS sample WHERE g IS NOT NULL",
        )
        found = sorted(int(row[0]) for row in rows or () if row[0])
        if found:
            in_plane = "ST_GeomFromWKB(ST_AsWKB({}), 0)"
            if not context.version.at_least(5, 7):
                in_plane = in_plane.replace("ST_", "")
            yield self.warning(
                ".".join(names),
                message=f"Shapes have the SRID {', '.join(map(str, found))}.",
                remedy=f"-- For calculations in a plane as before (this changes the rows):\n"
                f"UPDATE {name} SET {column} = {in_plane.format(column)};",
            )
