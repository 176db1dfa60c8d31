from libc.stddef cimport size_t
from libc.stdint cimport uint8_t, uint64_t

ctypedef const uint8_t* Bytes


cdef class KeyFilter:
    cdef int kind
    cdef size_t count
    cdef uint64_t* numbers
    cdef list texts
    cdef bytes admitted
    cdef bint admits(self, Bytes value, size_t size) except -1
    cdef bint _is_below(self, size_t number, Bytes value, size_t size) except -1
