"""A table's row images by key: the first one before, the last one after."""

cdef struct Image:
    Bytes at  # NULL: there is no row
    size_t size

cdef struct Entry:
    Image before  # what the row was before the first change
    Image now
    Image gone  # what it was when it was deleted last
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
