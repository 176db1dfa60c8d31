# cython: boundscheck=False, wraparound=False, cdivision=True
"""Events between a stream and a spool, and records passed over in a spool; none is looked into."""

include "events.pxi"

cdef enum:
    PACKET_HEADER_BYTES = 4
    PACKET_FULL = 0xFFFFFF
    CRC_OF_SEALED = 0x2144DF1C  # of any bytes with their own CRC32 behind them
    ARTIFICIAL = 0x20
    ROTATE = 4
    FORMAT_DESCRIPTION = 15
    HEARTBEAT = 27
    HEARTBEAT_V2 = 41
    SIZE_AT = 9
    END_AT = 13


cdef class Framer:
    """See framing.pyi."""

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


def pass_over(bytes buffer, Py_ssize_t at, bytes wanted, *, bint has_checksum):
    cdef Bytes data = <Bytes>PyBytes_AS_STRING(buffer)
    cdef Bytes end = data + PyBytes_GET_SIZE(buffer)
    cdef Bytes here = data + at
    cdef Bytes is_wanted = <Bytes>PyBytes_AS_STRING(wanted)
    cdef Bytes event
    cdef size_t size
    cdef long long end_offset = -1
    if len(wanted) != 256:
        raise ValueError("one byte for every type of event")
    while end - here >= RECORD_BYTES:
        size = _number(here, 4)
        event = here + RECORD_BYTES
        if <size_t>(end - event) < size or size < HEADER_BYTES + CHECKSUM_BYTES:
            break
        if is_wanted[event[4]] and not (
            event[4] == QUERY and _is_begin(event, size - CHECKSUM_BYTES * has_checksum)
        ):
            break
        if _crc32(event, size) != _number(here + 4, 4):
            break
        end_offset = _number(event + END_AT, 4)
        here = event + size
    return here - data, end_offset


def repack(bytes unpacked, *, unsigned long end_offset, bint has_checksum):
    cdef Bytes here = <Bytes>PyBytes_AS_STRING(unpacked)
    cdef Bytes end = here + PyBytes_GET_SIZE(unpacked)
    cdef Bytes at = here
    cdef size_t size, count = 0, more = CHECKSUM_BYTES * has_checksum
    cdef uint32_t crc, whole
    cdef bytes records
    cdef uint8_t* out
    while at < end:
        size = _number(at + SIZE_AT, 4) if end - at >= HEADER_BYTES else 0
        if size < HEADER_BYTES or <size_t>(end - at) < size:
            raise ValueError("a packed event is cut")
        at += size
        count += 1
    records = PyBytes_FromStringAndSize(NULL, (end - here) + count * (RECORD_BYTES + more))
    out = <uint8_t*>PyBytes_AS_STRING(records)
    while here < end:
        size = _number(here + SIZE_AT, 4)
        memcpy(out + RECORD_BYTES, here, size)
        here += size
        whole = size + more
        memcpy(out + RECORD_BYTES + SIZE_AT, &whole, 4)
        memcpy(out + RECORD_BYTES + END_AT, &end_offset, 4)
        if has_checksum:
            crc = _crc32(out + RECORD_BYTES, size)
            memcpy(out + RECORD_BYTES + size, &crc, 4)
        crc = _crc32(out + RECORD_BYTES, whole)
        memcpy(out, &whole, 4)
        memcpy(out + 4, &crc, 4)
        out += RECORD_BYTES + whole
    return records
