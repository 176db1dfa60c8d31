"""What the loops over events share: bytes, numbers in them, checksums."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef enum:
    RECORD_BYTES = 8
    HEADER_BYTES = 19
    CHECKSUM_BYTES = 4
    QUERY = 2
    XID = 16
    TABLE_MAP = 19
    ROWS_V1 = 23  # the first of three: write, update, delete
    ROWS_QUERY = 29
    ROWS_V2 = 30
    GTID = 33
    ANONYMOUS_GTID = 34
    GTID_TAGGED = 42

ctypedef const uint8_t* Bytes
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

cdef bint _is_begin(Bytes event, size_t size) noexcept:
    cdef size_t front
    if size < HEADER_BYTES + 13 + 6:
        return False
    front = HEADER_BYTES + 13 + _number(event + HEADER_BYTES + 11, 2) + event[HEADER_BYTES + 8]
    return front + 6 == size and memcmp(event + front, b"\0BEGIN", 6) == 0
