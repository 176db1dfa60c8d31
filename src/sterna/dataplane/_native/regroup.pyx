# cython: boundscheck=False, wraparound=False, cdivision=True
"""Whole transactions out of spooled records, gathered per table and key as raw row images.

Only what is quite ordinary is taken: GTID, BEGIN, table maps, rows with all their columns, XID,
of tables whose every column's length is known. A transaction with anything else in it is left
untouched for the caller, from its first event on. Images are never decoded or copied before
`drain`; they stay in the buffers they came in, which are kept until then.
"""

from libc.stdlib cimport free, malloc, realloc

from sterna.dataplane._native.split_rows cimport KeyFilter

include "events.pxi"

cdef enum:
    ANNOTATE = 160
    MARIADB_GTID = 162
    MARIADB_GTID_SPECIAL = 0xC1  # standalone, or part of an XA transaction
    WRITE = 0
    UPDATE = 1
    DELETE = 2
    STATEMENT_END = 1
    KEY_BYTES_MAX = 4096
    TABLES_MAX = 256  # in one statement
    DONE = 0
    MORE = 1
    STRANGE = 2
    UNKNOWN_TABLE = 3
    NONE_COUNTS = 0
    SOME_COUNT = 1
    ALL_COUNT = 2

include "row_table.pxi"

cdef struct Change:
    void* table
    int kind
    Image before
    Image after

cdef struct Mapped:
    uint64_t table_id
    void* table
    Bytes event
    size_t size

cdef class Gatherer:
    """See regroup.pyi."""

    cdef readonly unsigned long long transactions, row_events
    cdef readonly Py_ssize_t size_bytes
    cdef readonly unsigned long commit_timestamp, end_offset
    cdef readonly bytes unknown_map
    cdef readonly bint needs_more
    cdef readonly list statements
    cdef dict known
    cdef list buffers
    cdef bytes last_buffer
    cdef dict touched
    cdef unsigned int rows_flags
    cdef int checksum_bytes
    # the transaction being read
    cdef Change* changes
    cdef size_t change_count, change_room
    cdef Mapped[TABLES_MAX] maps
    cdef int map_count
    cdef unsigned int events
    cdef list found_statements, loose_rows
    cdef Bytes timestamp_at

    def __cinit__(self, *, unsigned int rows_flags):
        self.rows_flags = rows_flags
        self.known, self.buffers, self.touched = {}, [], {}
        self.statements = []

    def __dealloc__(self):
        free(self.changes)

    def learn(self, bytes map_body, Table table):
        self.known[map_body] = table

    def forget(self):
        if self.touched:
            raise ValueError("forget with changes that were not drained")
        self.known = {}

    def take(self, bytes buffer, Py_ssize_t at, *, bint has_checksum):
        cdef Bytes data = <Bytes>PyBytes_AS_STRING(buffer)
        cdef Bytes end = data + PyBytes_GET_SIZE(buffer)
        cdef Bytes here = data + at
        cdef Bytes begun
        cdef int state
        self.unknown_map, self.needs_more = None, False
        self.checksum_bytes = 4 if has_checksum else 0
        if self.last_buffer is not buffer:
            self.last_buffer = buffer
            self.buffers.append(buffer)
        begun = here
        state = self._transaction(&here, end)
        if state == DONE:
            self._apply()
            self.size_bytes += here - begun
            return here - data
        self.needs_more = state == MORE
        return at

    def take_statements(self):
        taken, self.statements = self.statements, []
        return taken

    def drain(self, Py_ssize_t bytes_max):
        """(table, deletes, updates, largest, inserts) for each table changed."""
        drained = [(table, *(<Table>table).drain(bytes_max)) for table in self.touched]
        self.touched, self.buffers, self.last_buffer = {}, [], None
        self.transactions = self.row_events = 0
        self.size_bytes = 0
        return drained

    cdef int _transaction(self, Bytes* here, Bytes end) except -1:
        """Read one transaction into `changes`; moves `here` behind it when it is DONE."""
        cdef Bytes at = here[0]
        cdef Bytes event
        cdef size_t size
        cdef int state
        cdef bint inside = False
        cdef uint8_t kind
        self.change_count, self.map_count, self.events = 0, 0, 0
        self.found_statements, self.loose_rows = [], []
        while True:
            if end - at < RECORD_BYTES:
                return MORE
            size = _number(at, 4)
            if <size_t>(end - at - RECORD_BYTES) < size:
                return MORE
            event = at + RECORD_BYTES
            if size < <size_t>(HEADER_BYTES + self.checksum_bytes) or _number(event + 9, 4) != size:
                return STRANGE
            if _crc32(event, size) != _number(at + 4, 4):
                return STRANGE
            at = event + size
            kind = event[4]
            if kind == XID and inside and self.map_count == 0:
                self.commit_timestamp = _number(event, 4)
                self.end_offset = _number(event + 13, 4)
                here[0] = at
                return DONE
            state = self._event(kind, event, size - self.checksum_bytes, size, &inside)
            if state != DONE:
                return state

    cdef int _event(
        self, uint8_t kind, Bytes event, size_t size, size_t whole, bint* inside
    ) except -1:
        """One event within a transaction; `size` without its checksum."""
        if not inside[0]:
            if kind == GTID or kind == ANONYMOUS_GTID or kind == GTID_TAGGED:
                return DONE
            if kind == MARIADB_GTID and size > 31 and not event[31] & MARIADB_GTID_SPECIAL:
                inside[0] = True
                return DONE
            if kind == QUERY and _is_begin(event, size):
                inside[0] = True
                return DONE
            return STRANGE
        if kind == TABLE_MAP:
            return self._table_map(event, size, whole)
        if ROWS_V1 <= kind < ROWS_V1 + 3:
            return self._rows(kind - ROWS_V1, event, size, whole, HEADER_BYTES + 8)
        if ROWS_V2 <= kind < ROWS_V2 + 3:
            return self._rows(kind - ROWS_V2, event, size, whole, HEADER_BYTES + 10)
        return DONE if kind == ROWS_QUERY or kind == ANNOTATE else STRANGE

    cdef int _table_map(self, Bytes event, size_t size, size_t whole) except -1:
        if size < HEADER_BYTES + 8 or self.map_count == TABLES_MAX:
            return STRANGE
        body = PyBytes_FromStringAndSize(<char*>event + HEADER_BYTES + 8, size - HEADER_BYTES - 8)
        table = self.known.get(body)
        if table is None:
            self.unknown_map = PyBytes_FromStringAndSize(<char*>event, whole)
            return UNKNOWN_TABLE
        self.maps[self.map_count] = Mapped(
            _number(event + HEADER_BYTES, 6), <void*>table, event, whole
        )
        self.map_count += 1
        return DONE

    cdef int _rows(
        self, int kind, Bytes event, size_t size, size_t whole, size_t front
    ) except -1:
        cdef Table table = None
        cdef uint64_t table_id
        cdef unsigned int flags
        cdef int n, state = DONE
        if size <= front or (front == HEADER_BYTES + 10 and _number(event + HEADER_BYTES + 8, 2) < 2):
            return STRANGE
        table_id = _number(event + HEADER_BYTES, 6)
        flags = _number(event + HEADER_BYTES + 6, 2)
        for n in range(self.map_count):
            if self.maps[n].table_id == table_id:
                table = <Table>self.maps[n].table
        if table is None or flags & ~self.rows_flags:
            return STRANGE
        if table.counting == SOME_COUNT and (table.ranges is None or not table.is_regrouped):
            return STRANGE
        if table.is_regrouped:
            if front == HEADER_BYTES + 10 and _number(event + HEADER_BYTES + 8, 2) != 2:
                return STRANGE  # the event says more than its rows, e.g. their partition
            state = self._images(table, kind, event + front, event + size)
            if state == DONE and not table.header:
                table.header = event[:HEADER_BYTES]
                table.rows_flags = flags
        else:
            if not self._is_full(kind, event, size):
                return STRANGE
            if table.counting:
                self.loose_rows.append(
                    (table, PyBytes_FromStringAndSize(<char*>event, whole))
                )
        self.events += 1
        if state == DONE and flags & STATEMENT_END:
            self._end_statement()
        return state

    cdef bint _is_full(self, int kind, Bytes event, size_t size) noexcept:
        """Whether a rows event that is not regrouped has all columns in its images."""
        cdef size_t at = HEADER_BYTES + 8
        if event[4] >= ROWS_V2:
            at += _number(event + at, 2)
        if at >= size:
            return False
        return _behind_bitmaps(event + at, event + size, kind, -1) != NULL

    cdef int _end_statement(self) except -1:
        cdef int n
        if self.loose_rows:
            maps = [
                self.maps[n].event[:self.maps[n].size]
                for n in range(self.map_count)
                if (<Table>self.maps[n].table).counting
            ]
            self.found_statements.append((maps, self.loose_rows))
            self.loose_rows = []
        self.map_count = 0
        return 0

    cdef int _images(self, Table table, int kind, Bytes at, Bytes end) except -1:
        """The rows of one event into `changes`; all of them must lie exactly in it."""
        cdef Change* change
        cdef Bytes behind
        cdef bint keeps_before = table.counting, keeps_after = table.counting
        at = _behind_bitmaps(at, end, kind, table.columns)
        if at == NULL:
            return STRANGE
        while at < end:
            change = self._new_change()
            change.table, change.kind = <void*>table, kind
            behind = table.walk(at, end, table.starts)
            if behind == NULL:
                return STRANGE
            change.before = Image(at, behind - at)
            at = behind
            if table.counting == SOME_COUNT:
                keeps_before = keeps_after = table.counts()
            if kind == UPDATE:
                behind = table.walk(at, end, table.starts)
                if behind == NULL:
                    return STRANGE
                change.after = Image(at, behind - at)
                at = behind
                if table.counting == SOME_COUNT:
                    keeps_after = table.counts()
            if not (keeps_before and keeps_after):
                self._keep_part(change, keeps_before, keeps_after)
        return DONE

    cdef void _keep_part(self, Change* change, bint keeps_before, bint keeps_after) noexcept:
        """Of the change made last: an update of which one end counts is a delete or a write."""
        if keeps_before:
            change.kind = DELETE
        elif keeps_after:
            change.kind, change.before = WRITE, change.after
        else:
            self.change_count -= 1

    cdef Change* _new_change(self) except NULL:
        cdef Change* grown
        if self.change_count == self.change_room:
            grown = <Change*>realloc(
                self.changes, (2 * self.change_room + 256) * sizeof(Change)
            )
            if grown == NULL:
                raise MemoryError
            self.changes = grown
            self.change_room = 2 * self.change_room + 256
        self.change_count += 1
        return &self.changes[self.change_count - 1]

    cdef int _apply(self) except -1:
        """The transaction read is one with those gathered."""
        cdef size_t n
        cdef Change* change
        cdef Table table
        for n in range(self.change_count):
            change = &self.changes[n]
            table = <Table>change.table
            self.touched[table] = None
            if change.kind != WRITE:
                table.vanish(change.before)
            if change.kind == WRITE:
                table.appear(change.before)
            elif change.kind == UPDATE:
                table.appear(change.after)
        self.statements += self.found_statements
        self.transactions += 1
        self.row_events += self.events
        return 0

cdef Bytes _behind_bitmaps(Bytes at, Bytes end, int kind, int columns) noexcept:
    """Behind the column count and bitmaps; NULL unless every column is there (in both images).

    `columns` is what the count must be, or -1.
    """
    cdef int count, n, images = 2 if kind == UPDATE else 1
    if end - at < 3:
        return NULL
    count = at[0]
    at += 1
    if count == 252:
        count = _number(at, 2)
        at += 2
    elif count > 250:
        return NULL
    if columns >= 0 and count != columns:
        return NULL
    if end - at < images * ((count + 7) // 8):
        return NULL
    while images:
        for n in range(count):
            if not at[n >> 3] & (1 << (n & 7)):
                return NULL
        at += (count + 7) // 8
        images -= 1
    return at
