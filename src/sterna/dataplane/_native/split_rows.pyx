# cython: boundscheck=False, wraparound=False, cdivision=True
"""Which rows of a rows event count, told from the range their key lies in; without decoding."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp

cdef enum:
    WRITE = 0
    UPDATE = 1
    DELETE = 2
    SIGNED = 0
    UNSIGNED = 1
    VARBINARY = 2
    BINARY = 3

cdef uint64_t TOP = <uint64_t>1 << 63


cdef inline uint64_t _number(Bytes at, size_t width) noexcept:
    cdef uint64_t value = 0
    cdef size_t n
    for n in range(width):
        value |= <uint64_t>at[n] << (8 * n)
    return value


cdef inline uint64_t _ordered(Bytes at, size_t width, bint is_signed) noexcept:
    """A little-endian integer as a number whose unsigned order is its own."""
    cdef uint64_t value = _number(at, width)
    if not is_signed:
        return value
    if width < 8 and value & (<uint64_t>1 << (8 * width - 1)):
        value |= ~<uint64_t>0 << (8 * width)
    return value ^ TOP


cdef inline size_t _without_zeros(Bytes at, size_t size) noexcept:
    while size and at[size - 1] == 0:
        size -= 1
    return size


cdef class KeyFilter:
    """See split_rows.pyi."""

    def __cinit__(self, int kind, highs):
        cdef size_t n
        self.kind, self.count = kind, len(highs)
        self.texts = []
        self.admitted = bytes(self.count + 1)
        if kind == SIGNED or kind == UNSIGNED:
            self.numbers = <uint64_t*>malloc((self.count + 1) * sizeof(uint64_t))
            if self.numbers == NULL:
                raise MemoryError
            for n in range(self.count):
                self.numbers[n] = highs[n] + (TOP if kind == SIGNED else 0)  # OverflowError
        elif kind == VARBINARY or kind == BINARY:
            for high in highs:
                self.texts.append(high.rstrip(b"\0") if kind == BINARY else bytes(high))
        else:
            raise ValueError("an order of keys that is not known")
        self._require_order(highs)

    def _require_order(self, highs):
        kept = self.texts if self.numbers == NULL else list(highs)
        if any(one >= other for one, other in zip(kept, kept[1:])):
            raise ValueError("ranges that are not in order")

    def __dealloc__(self):
        free(self.numbers)

    def admit(self, bytes admitted):
        if <size_t>len(admitted) != self.count + 1:
            raise ValueError("not one flag for each range")
        self.admitted = admitted

    cdef bint admits(self, Bytes value, size_t size) except -1:
        cdef size_t low = 0, high = self.count, middle
        cdef uint64_t number = 0
        if self.numbers != NULL:
            if size == 0 or size > 8:
                raise ValueError("a key that is no integer")
            number = _ordered(value, size, self.kind == SIGNED)
        elif self.kind == BINARY:
            size = _without_zeros(value, size)
        while low < high:  # the first range whose end is not below the value
            middle = (low + high) // 2
            if self.numbers != NULL:
                if self.numbers[middle] < number:
                    low = middle + 1
                else:
                    high = middle
            elif self._is_below(middle, value, size):
                low = middle + 1
            else:
                high = middle
        return PyBytes_AS_STRING(self.admitted)[low] != 0

    cdef bint _is_below(self, size_t number, Bytes value, size_t size) except -1:
        cdef bytes text = self.texts[number]
        cdef size_t length = PyBytes_GET_SIZE(text)
        cdef int order = memcmp(PyBytes_AS_STRING(text), value, min(length, size))
        return order < 0 or (order == 0 and length < size)


cdef class RowSplitter:
    """See split_rows.pyi."""

    cdef int columns, column
    cdef list layout
    cdef size_t* fixed
    cdef uint8_t* prefix
    cdef KeyFilter keys

    def __cinit__(self, layout, int column, KeyFilter keys not None):
        cdef int n
        self.columns, self.column, self.keys = len(layout), column, keys
        if not 0 <= column < self.columns:
            raise ValueError("a key column that the table does not have")
        self.fixed = <size_t*>malloc(self.columns * sizeof(size_t))
        self.prefix = <uint8_t*>malloc(self.columns)
        if self.fixed == NULL or self.prefix == NULL:
            raise MemoryError
        for n in range(self.columns):
            self.fixed[n], self.prefix[n] = layout[n]

    def __dealloc__(self):
        free(self.fixed)
        free(self.prefix)

    def split(self, bytes event, Py_ssize_t at, Py_ssize_t end, *, int kind):
        cdef Bytes data = <Bytes>PyBytes_AS_STRING(event)
        cdef Bytes here = data + at
        cdef Bytes stop = data + end
        cdef Bytes begun
        cdef Bytes after
        cdef bint keeps_before, keeps_after
        cdef list runs = []
        if not 0 <= at <= end <= PyBytes_GET_SIZE(event) or not 0 <= kind <= 2:
            raise ValueError("no images of rows")
        while here < stop:
            begun = here
            here = after = self._pass(here, stop, &keeps_before)
            keeps_after = keeps_before
            if kind == UPDATE:
                here = self._pass(after, stop, &keeps_after)
            if kind != UPDATE or keeps_before == keeps_after:
                if keeps_before:
                    self._add(runs, kind, begun, here)
            elif keeps_before:
                self._add(runs, DELETE, begun, after)
            else:
                self._add(runs, WRITE, after, here)
        return [(made, b"".join(images)) for made, images in runs]

    cdef int _add(self, list runs, int kind, Bytes at, Bytes end) except -1:
        image = PyBytes_FromStringAndSize(<char*>at, end - at)
        if runs and runs[len(runs) - 1][0] == kind:
            runs[len(runs) - 1][1].append(image)
        else:
            runs.append((kind, [image]))
        return 0

    cdef Bytes _pass(self, Bytes at, Bytes end, bint* is_kept) except NULL:
        """Behind the row image that begins at `at`, and whether the range of its key is kept."""
        cdef int n
        cdef Bytes nulls = at
        cdef Bytes key = NULL
        cdef size_t size, key_size = 0
        if end - at < (self.columns + 7) // 8:
            raise ValueError("an image that is cut off")
        at += (self.columns + 7) // 8
        for n in range(self.columns):
            if nulls[n >> 3] & (1 << (n & 7)):
                continue
            size = self.fixed[n]
            if self.prefix[n]:
                if end - at < self.prefix[n]:
                    raise ValueError("an image that is cut off")
                size = _number(at, self.prefix[n])
                at += self.prefix[n]
            if <size_t>(end - at) < size:
                raise ValueError("an image that is cut off")
            if n == self.column:
                key, key_size = at, size
            at += size
        if key == NULL:
            raise ValueError("a key that is NULL")
        is_kept[0] = self.keys.admits(key, key_size)
        return at
