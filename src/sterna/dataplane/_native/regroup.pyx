# cython: boundscheck=False, wraparound=False, cdivision=True
"""Whole transactions out of spooled records, gathered per table and key as raw row images.

Only what is quite ordinary is taken: GTID, BEGIN, table maps, rows with all their columns, XID,
of tables whose every column's length is known. A transaction with anything else in it is left
untouched for the caller, from its first event on. Images are never decoded or copied before
`drain`; they stay in the buffers they came in, which are kept until then.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy

from sterna.dataplane._native.split_rows cimport KeyFilter

cdef enum:
    RECORD_BYTES = 8
    HEADER_BYTES = 19
    PACKET_HEADER_BYTES = 4
    PACKET_FULL = 0xFFFFFF
    CRC_OF_SEALED = 0x2144DF1C  # of any bytes with their own CRC32 behind them
    ARTIFICIAL = 0x20
    QUERY = 2
    ROTATE = 4
    FORMAT_DESCRIPTION = 15
    XID = 16
    TABLE_MAP = 19
    ROWS_V1 = 23  # the first of three: write, update, delete
    HEARTBEAT = 27
    ROWS_QUERY = 29
    ROWS_V2 = 30
    GTID = 33
    ANONYMOUS_GTID = 34
    HEARTBEAT_V2 = 41
    GTID_TAGGED = 42
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

ctypedef const uint8_t* Bytes

cdef struct Image:
    Bytes at  # NULL: there is no row
    size_t size

cdef struct Entry:
    Image before  # what the row was before the first change
    Image now
    Image gone  # what it was when it was deleted last

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

cdef uint32_t[8][256] CRC


cdef void _make_crc():
    cdef uint32_t value
    cdef int n, k
    for n in range(256):
        value = n
        for k in range(8):
            value = (value >> 1) ^ (0xEDB88320 if value & 1 else 0)
        CRC[0][n] = value
    for n in range(256):
        for k in range(1, 8):
            CRC[k][n] = (CRC[k - 1][n] >> 8) ^ CRC[0][CRC[k - 1][n] & 0xFF]


_make_crc()


cdef uint32_t _crc32(Bytes at, size_t size) noexcept nogil:
    cdef uint32_t crc = 0xFFFFFFFF, low, high
    while size >= 8:
        memcpy(&low, at, 4)
        memcpy(&high, at + 4, 4)
        low ^= crc
        crc = (
            CRC[7][low & 0xFF] ^ CRC[6][(low >> 8) & 0xFF] ^ CRC[5][(low >> 16) & 0xFF]
            ^ CRC[4][low >> 24] ^ CRC[3][high & 0xFF] ^ CRC[2][(high >> 8) & 0xFF]
            ^ CRC[1][(high >> 16) & 0xFF] ^ CRC[0][high >> 24]
        )
        at += 8
        size -= 8
    while size:
        crc = (crc >> 8) ^ CRC[0][(crc ^ at[0]) & 0xFF]
        at += 1
        size -= 1
    return ~crc


cdef inline uint64_t _number(Bytes at, int width) noexcept nogil:
    cdef uint64_t value = 0
    cdef int n
    for n in range(width):
        value |= <uint64_t>at[n] << (8 * n)
    return value


class Irregular(Exception):
    """The images of one row do not follow from each other."""


cdef class Table:
    """See regroup.pyi."""

    cdef readonly object tag
    cdef readonly bytes header
    cdef readonly unsigned int rows_flags
    cdef bint is_regrouped, keeps_largest, has_unique
    cdef int columns, key_columns
    cdef uint32_t* fixed
    cdef uint8_t* prefix
    cdef uint8_t* is_unique
    cdef int* key
    cdef uint8_t* key_order
    cdef Bytes* starts  # where each column of the row walked last begins; NULL: it is NULL
    cdef Bytes* others
    cdef public int counting
    cdef KeyFilter ranges
    cdef dict index
    cdef Entry* entries
    cdef size_t count, room

    def __cinit__(
        self, tag, layout=(), key=(), unique=(), *, bint keeps_largest=False,
        KeyFilter ranges=None,
    ):
        cdef int n
        self.tag, self.index = tag, {}
        self.counting, self.ranges = ALL_COUNT, ranges
        self.header = b""
        self.columns, self.key_columns = len(layout), len(key)
        self.is_regrouped = self.key_columns > 0
        self.keeps_largest, self.has_unique = keeps_largest, len(unique) > 0
        self.fixed = <uint32_t*>malloc((self.columns + 1) * sizeof(uint32_t))
        self.prefix = <uint8_t*>malloc(self.columns + 1)
        self.is_unique = <uint8_t*>malloc(self.columns + 1)
        self.starts = <Bytes*>malloc((self.columns + 1) * sizeof(Bytes))
        self.others = <Bytes*>malloc((self.columns + 1) * sizeof(Bytes))
        self.key = <int*>malloc((self.key_columns + 1) * sizeof(int))
        self.key_order = <uint8_t*>malloc(self.key_columns + 1)
        for n in range(self.columns):
            self.fixed[n], self.prefix[n] = layout[n]
            self.is_unique[n] = n in unique
        for n in range(self.key_columns):
            self.key[n], self.key_order[n] = key[n]
            if not 0 <= self.key[n] < self.columns:
                raise ValueError("a key column that the table does not have")

    def __dealloc__(self):
        free(self.fixed)
        free(self.prefix)
        free(self.is_unique)
        free(self.starts)
        free(self.others)
        free(self.key)
        free(self.key_order)
        free(self.entries)

    cdef Bytes walk(self, Bytes at, Bytes end, Bytes* starts) noexcept:
        """Behind the row that begins at `at`; NULL where it does not lie before `end`."""
        cdef int n
        cdef Bytes nulls = at
        cdef size_t size
        at += (self.columns + 7) // 8
        if at > end:
            return NULL
        for n in range(self.columns):
            if nulls[n >> 3] & (1 << (n & 7)):
                starts[n] = NULL
                continue
            starts[n] = at
            size = self.fixed[n]
            if self.prefix[n]:
                if end - at < self.prefix[n]:
                    return NULL
                size = self.prefix[n] + _number(at, self.prefix[n])
            if <size_t>(end - at) < size:
                return NULL
            at += size
        return at

    cdef inline size_t width(self, int column, Bytes at) noexcept:
        if self.prefix[column]:
            return self.prefix[column] + _number(at, self.prefix[column])
        return self.fixed[column]

    cdef bint counts(self) except -1:
        """Whether the row walked last lies in a range that counts."""
        cdef int column = self.key[0]
        cdef Bytes at = self.starts[column]
        if at == NULL:
            raise Irregular("a key that is NULL")
        if self.prefix[column]:
            return self.ranges.admits(
                at + self.prefix[column], _number(at, self.prefix[column])
            )
        return self.ranges.admits(at, self.fixed[column])

    cdef bytes key_of(self, Image image):
        """The key in a form whose byte order is that of its integers; None where it is NULL."""
        cdef uint8_t[KEY_BYTES_MAX] made
        cdef size_t used = 0, size, n
        cdef int column, k
        cdef Bytes at
        self.walk(image.at, image.at + image.size, self.starts)
        for k in range(self.key_columns):
            column = self.key[k]
            at = self.starts[column]
            if at == NULL:
                return None
            size = self.width(column, at)
            if used + size > KEY_BYTES_MAX:
                return None
            if self.key_order[k] == 0:
                memcpy(&made[used], at, size)
            else:
                for n in range(size):
                    made[used + n] = at[size - 1 - n]
                if self.key_order[k] == 2:
                    made[used] ^= 0x80
            used += size
        return PyBytes_FromStringAndSize(<char*>made, used)

    cdef size_t entry(self, bytes key) except? 0:
        """The number of the key's entry, which is made where there is none yet."""
        cdef size_t number
        cdef Entry* grown
        found = self.index.get(key)
        if found is not None:
            return found
        if self.count == self.room:
            grown = <Entry*>realloc(self.entries, (2 * self.room + 64) * sizeof(Entry))
            if grown == NULL:
                raise MemoryError
            self.entries = grown
            self.room = 2 * self.room + 64
        number = self.count
        self.entries[number] = Entry(Image(NULL, 0), Image(NULL, 0), Image(NULL, 0))
        self.index[key] = number
        self.count += 1
        return number

    cdef int vanish(self, Image image) except -1:
        """The row with this image is no longer there."""
        cdef size_t known = self.count
        key = self.key_of(image)
        if key is None:
            raise Irregular("a key that is NULL or too long")
        cdef size_t number = self.entry(key)
        cdef Entry* entry = &self.entries[number]
        if self.count > known:
            entry.before = image
        elif entry.now.at == NULL:
            raise Irregular("a row is changed that is not there")
        entry.gone = image
        entry.now.at = NULL
        return 0

    cdef int appear(self, Image image) except -1:
        """A row with this image is there now."""
        key = self.key_of(image)
        if key is None:
            raise Irregular("a key that is NULL or too long")
        cdef size_t number = self.entry(key)
        if self.entries[number].now.at != NULL:
            raise Irregular("a row is written that is there already")
        self.entries[number].now = image
        return 0

    cdef bint keeps_unique(self, Image one, Image other) noexcept:
        """Whether every column of a unique key has the same bytes in both images."""
        cdef int n
        cdef size_t size
        self.walk(one.at, one.at + one.size, self.starts)
        self.walk(other.at, other.at + other.size, self.others)
        for n in range(self.columns):
            if not self.is_unique[n]:
                continue
            if (self.starts[n] == NULL) != (self.others[n] == NULL):
                return False
            if self.starts[n] == NULL:
                continue
            size = self.width(n, self.starts[n])
            if size != self.width(n, self.others[n]):
                return False
            if memcmp(self.starts[n], self.others[n], size):
                return False
        return True

    cdef object drain(self, Py_ssize_t bytes_max):
        """(deletes, updates, largest, inserts), each bodies of events; forgets everything."""
        cdef Pieces deletes = Pieces(bytes_max), updates = Pieces(bytes_max)
        cdef Pieces inserts = Pieces(bytes_max)
        cdef Entry* entry
        cdef bytes largest = b""
        for key in sorted(self.index):
            entry = &self.entries[<size_t>self.index[key]]
            if entry.before.at != NULL and entry.now.at != NULL:
                if self.has_unique and not self.keeps_unique(entry.before, entry.now):
                    deletes.add(entry.before, Image(NULL, 0))
                    inserts.add(entry.now, Image(NULL, 0))
                else:
                    updates.add(entry.before, entry.now)
                largest = b""
            elif entry.before.at != NULL:
                deletes.add(entry.before, Image(NULL, 0))
                largest = b""
            elif entry.now.at != NULL:
                inserts.add(entry.now, Image(NULL, 0))
                largest = b""
            elif self.keeps_largest and entry.gone.at != NULL:
                largest = entry.gone.at[:entry.gone.size]
        self.index = {}
        self.count = 0
        return deletes.finish(), updates.finish(), largest, inserts.finish()


cdef class Pieces:
    """Images put together to bodies of at most `bytes_max`, or of one row."""

    cdef list bodies, parts
    cdef Py_ssize_t size, bytes_max

    def __cinit__(self, Py_ssize_t bytes_max):
        self.bodies, self.parts, self.bytes_max = [], [], bytes_max

    cdef int add(self, Image one, Image other) except -1:
        if self.size and self.size + <Py_ssize_t>(one.size + other.size) > self.bytes_max:
            self.close()
        self.parts.append(PyBytes_FromStringAndSize(<char*>one.at, one.size))
        if other.at != NULL:
            self.parts.append(PyBytes_FromStringAndSize(<char*>other.at, other.size))
        self.size += one.size + other.size
        return 0

    cdef int close(self) except -1:
        self.bodies.append(b"".join(self.parts))
        self.parts = []
        self.size = 0
        return 0

    cdef list finish(self):
        if self.parts:
            self.close()
        return self.bodies


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


cdef bint _is_begin(Bytes event, size_t size) noexcept:
    cdef size_t front
    if size < HEADER_BYTES + 13 + 6:
        return False
    front = HEADER_BYTES + 13 + _number(event + HEADER_BYTES + 11, 2) + event[HEADER_BYTES + 8]
    return front + 6 == size and memcmp(event + front, b"\0BEGIN", 6) == 0


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


cdef class Framer:
    """See regroup.pyi."""

    cdef readonly Py_ssize_t taken
    cdef readonly unsigned char sequence
    cdef readonly unsigned long end_offset

    def frame(
        self, bytes received, Py_ssize_t at, *, unsigned char sequence, unsigned long end_offset,
        bint has_checksum,
    ):
        cdef Bytes data = <Bytes>PyBytes_AS_STRING(received)
        cdef Bytes here = data + at
        cdef Bytes end = data + PyBytes_GET_SIZE(received)
        cdef Bytes event
        cdef size_t size
        cdef uint32_t crc
        cdef bytes records = PyBytes_FromStringAndSize(NULL, 2 * (end - here) + RECORD_BYTES)
        cdef uint8_t* out = <uint8_t*>PyBytes_AS_STRING(records)
        cdef uint8_t* begun = out
        while end - here > PACKET_HEADER_BYTES:
            size = _number(here, 3)
            if size == PACKET_FULL or <size_t>(end - here) < PACKET_HEADER_BYTES + size:
                break
            if here[3] != sequence or here[4] != 0 or size <= HEADER_BYTES:
                break
            event = here + PACKET_HEADER_BYTES + 1
            size -= 1
            if not _is_ordinary(event, size) or _number(event + 13, 4) <= end_offset:
                break
            crc = _crc32(event, size)
            if has_checksum and crc != CRC_OF_SEALED:
                break
            end_offset = _number(event + 13, 4)
            memcpy(out, &size, 4)
            memcpy(out + 4, &crc, 4)
            memcpy(out + RECORD_BYTES, event, size)
            out += RECORD_BYTES + size
            here = event + size
            sequence += 1
        self.taken, self.sequence, self.end_offset = here - data, sequence, end_offset
        return records[:out - begun]


cdef bint _is_ordinary(Bytes event, size_t size) noexcept:
    """Whether the event stands in a file and says nothing about the stream itself."""
    cdef uint8_t kind = event[4]
    if kind == FORMAT_DESCRIPTION or kind == ROTATE or kind == HEARTBEAT or kind == HEARTBEAT_V2:
        return False
    return _number(event + 9, 4) == size and not event[17] & ARTIFICIAL
