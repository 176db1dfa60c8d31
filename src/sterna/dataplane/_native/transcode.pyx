# cython: boundscheck=False, wraparound=False, cdivision=True
"""Text-protocol result packets in, LOAD DATA rows in LOCAL INFILE packets out.

A state machine over bytes: packets, rows and fields may be cut anywhere between two calls, so
memory stays bounded however long a row is. Fields travel as they are; only backslash, tab and
newline are escaped and NULL becomes backslash-N, which is all that LOAD DATA needs to read with
CHARACTER SET binary, FIELDS TERMINATED BY tab, ESCAPED BY backslash, LINES TERMINATED BY newline.
"""

from cpython.buffer cimport PyBUF_SIMPLE, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from libc.stdint cimport uint64_t
from libc.string cimport memcpy

cdef enum:
    HEADER_BYTES = 4
    PACKET_FULL = 0xFFFFFF
    EOF_BYTES_BELOW = 9
    ANSWER_BYTES_MAX = 4096
    SLACK_BYTES = 64
    GROWTH = 3  # a NULL: one byte in, backslash, N and a separator out

cdef uint64_t ONES = 0x0101010101010101ULL
cdef uint64_t HIGHS = 0x8080808080808080ULL


cdef inline bint _has(uint64_t word, unsigned char wanted) noexcept nogil:
    cdef uint64_t x = word ^ (ONES * wanted)
    return ((x - ONES) & ~x & HIGHS) != 0


cdef inline unsigned char* _escape(
    const unsigned char* at, size_t count, unsigned char* out
) noexcept nogil:
    """Copy `count` bytes; eight at a time while none of them needs an escape."""
    cdef uint64_t word
    cdef unsigned char byte
    while count:
        if count >= 8:
            memcpy(&word, at, 8)
            if not (_has(word, 0x5C) or _has(word, 0x09) or _has(word, 0x0A)):
                memcpy(out, &word, 8)
                at += 8
                out += 8
                count -= 8
                continue
        byte = at[0]
        if byte == 0x5C or byte == 0x09 or byte == 0x0A:
            out[0] = 0x5C
            out += 1
            byte = 0x5C if byte == 0x5C else (b't' if byte == 0x09 else b'n')
        out[0] = byte
        at += 1
        out += 1
        count -= 1
    return out


cdef class Transcoder:
    """The state of one result set on its way; see transcode.pyi for the public side."""

    cdef readonly unsigned long long rows
    cdef readonly bint ended
    cdef unsigned long long rows_max
    cdef unsigned int columns, column
    cdef readonly unsigned char sequence
    # the packet
    cdef unsigned char header[HEADER_BYTES]
    cdef int header_have
    cdef size_t packet_left
    cdef bint continued, fresh
    # the field
    cdef bint in_field
    cdef size_t field_left
    cdef int prefix_need, prefix_have
    # the answer that ends the result set: EOF or ERR
    cdef bint in_answer
    cdef unsigned char answer[ANSWER_BYTES_MAX]
    cdef size_t answer_have
    cdef int fault

    def __init__(self, unsigned int columns):
        if columns == 0:
            raise ValueError("a result set has at least one column")
        self.columns = columns

    def start_chunk(self, *, unsigned long long rows_max, unsigned char sequence):
        self.rows = 0
        self.rows_max = rows_max
        self.sequence = sequence

    def end_chunk(self):
        self.rows_max = self.rows

    @property
    def is_full(self):
        return self.packet_left == 0 and self._full()

    @property
    def failure(self):
        """The payload of the ERR packet that ended the rows, else None."""
        if not self.ended or self.answer[0] != 0xFF:
            return None
        return bytes(self.answer[:self.answer_have])

    def transcode(self, received, packets):
        cdef Py_buffer source, sink
        cdef size_t consumed = 0, produced = 0
        PyObject_GetBuffer(received, &source, PyBUF_SIMPLE)
        try:
            PyObject_GetBuffer(packets, &sink, PyBUF_WRITABLE)
            try:
                if sink.len < GROWTH * source.len + SLACK_BYTES or sink.len >= PACKET_FULL:
                    raise ValueError("the output holds 3 bytes per byte received, and 64; < 16 MB")
                with nogil:
                    self._run(
                        <const unsigned char*>source.buf, source.len,
                        <unsigned char*>sink.buf, &consumed, &produced,
                    )
            finally:
                PyBuffer_Release(&sink)
        finally:
            PyBuffer_Release(&source)
        if self.fault:
            raise ValueError("the rows do not have the columns they were announced with")
        return consumed, produced

    cdef void _run(
        self, const unsigned char* source, size_t count, unsigned char* sink,
        size_t* consumed, size_t* produced,
    ) noexcept nogil:
        cdef const unsigned char* at = source
        cdef const unsigned char* end = source + count
        cdef unsigned char* out = sink + HEADER_BYTES
        cdef size_t here, size
        while not (self.ended or self.fault):
            if self.packet_left == 0:
                at = self._read_header(at, end)
                if self.packet_left == 0:
                    if at == end or self._full():
                        break
                    continue
            if at == end:
                break
            here = min(self.packet_left, <size_t>(end - at))
            if self.fresh:
                self.fresh = False
                self.in_answer = at[0] == 0xFF or (
                    at[0] == 0xFE and self.packet_left < EOF_BYTES_BELOW
                )
            elif self._row_is_whole():
                self.fault = 1  # bytes after the last column
                break
            self.packet_left -= here
            if self.in_answer:
                self._collect(at, here)
            else:
                out = self._fields(at, at + here, out)
            at += here
            if self.packet_left == 0 and not self.continued:
                self._close_packet()
        size = out - sink - HEADER_BYTES
        consumed[0] = at - source
        produced[0] = 0
        if size:
            sink[0] = size & 0xFF
            sink[1] = (size >> 8) & 0xFF
            sink[2] = (size >> 16) & 0xFF
            sink[3] = self.sequence
            self.sequence = (self.sequence + 1) & 0xFF
            produced[0] = size + HEADER_BYTES

    cdef inline bint _full(self) noexcept nogil:
        return self.header_have == 0 and not self.continued and self.rows >= self.rows_max

    cdef const unsigned char* _read_header(
        self, const unsigned char* at, const unsigned char* end
    ) noexcept nogil:
        """Take the header's bytes as they come; a full chunk takes none of the next row's."""
        cdef size_t size
        if self._full():
            return at
        while at < end and self.header_have < HEADER_BYTES:
            self.header[self.header_have] = at[0]
            self.header_have += 1
            at += 1
        if self.header_have < HEADER_BYTES:
            return at
        self.header_have = 0
        size = self.header[0] | (self.header[1] << 8) | (<size_t>self.header[2] << 16)
        self.fresh = not self.continued
        self.continued = size == PACKET_FULL
        self.packet_left = size
        if size == 0:
            if self.fresh:
                self.fault = 1
            else:
                self._close_packet()
        return at

    cdef inline void _close_packet(self) noexcept nogil:
        if self.in_answer:
            self.ended = True
        elif not self._row_is_whole():
            self.fault = 1

    cdef inline bint _row_is_whole(self) noexcept nogil:
        return not (self.column or self.in_field or self.prefix_need or self.in_answer)

    cdef void _collect(self, const unsigned char* at, size_t count) noexcept nogil:
        cdef size_t room = ANSWER_BYTES_MAX - self.answer_have
        count = min(count, room)
        memcpy(&self.answer[self.answer_have], at, count)
        self.answer_have += count

    cdef inline unsigned char* _end_field(self, unsigned char* out) noexcept nogil:
        self.in_field = False
        self.column += 1
        if self.column == self.columns:
            self.column = 0
            self.rows += 1
            out[0] = b'\n'
        else:
            out[0] = b'\t'
        return out + 1

    cdef unsigned char* _fields(
        self, const unsigned char* at, const unsigned char* end, unsigned char* out
    ) noexcept nogil:
        """The piece of a row between `at` and `end`, which lies in one packet."""
        cdef unsigned char byte
        cdef size_t here
        cdef unsigned long long rows_before = self.rows
        while at < end:
            if self.rows != rows_before:
                self.fault = 1  # bytes after the last column
                return out
            if self.in_field:
                here = min(self.field_left, <size_t>(end - at))
                out = _escape(at, here, out)
                at += here
                self.field_left -= here
                if self.field_left == 0:
                    out = self._end_field(out)
                continue
            byte = at[0]
            at += 1
            if self.prefix_need:
                self.field_left |= <size_t>byte << (8 * self.prefix_have)
                self.prefix_have += 1
                if self.prefix_have == self.prefix_need:
                    self.prefix_need = 0
                    out = self._start_field(out)
            elif byte < 0xFB:
                self.field_left = byte
                out = self._start_field(out)
            elif byte == 0xFB:
                out[0] = 0x5C
                out[1] = b'N'
                out = self._end_field(out + 2)
            elif byte == 0xFF:
                self.fault = 1
                return out
            else:
                self.field_left = 0
                self.prefix_have = 0
                self.prefix_need = 2 if byte == 0xFC else (3 if byte == 0xFD else 8)
        return out

    cdef inline unsigned char* _start_field(self, unsigned char* out) noexcept nogil:
        if self.field_left == 0:
            return self._end_field(out)
        self.in_field = True
        return out
