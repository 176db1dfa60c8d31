"""MyRocks beside InnoDB: MariaDB's plugin for tables that take little room on disk.

Tables become its own with ALTER TABLE … ENGINE=ROCKSDB. A transaction over both engines is one:
MariaDB decides it with its binary log. Towards a server without MyRocks such a table is InnoDB's.
"""

from __future__ import annotations

from sterna.clusters.config import POOL_STEP_BYTES

INNODB, MYROCKS = "InnoDB", "InnoDB & MyRocks"
PERCENT_MIN, PERCENT_MAX = 10, 90
# A LOAD DATA of the copy, or a long UPDATE, may hold more than the million that is the default.
ROW_LOCKS_MAX = 2**30


def myrocks_parameters(memory_bytes: int, percent: int) -> dict[str, str]:
    """What a node of so much memory is started with; `percent` of the buffers are MyRocks'."""
    buffers = memory_bytes * 5 // 8
    steps = buffers * (100 - percent) // 100 // POOL_STEP_BYTES
    return {
        "plugin_load_add": "ha_rocksdb",
        "innodb_buffer_pool_size": str(max(steps, 1) * POOL_STEP_BYTES),
        "rocksdb_block_cache_size": str(buffers * percent // 100),
        "rocksdb_max_row_locks": str(ROW_LOCKS_MAX),
        "rocksdb_flush_log_at_trx_commit": "1",
    }
