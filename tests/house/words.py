"""The words the house does not use, and the only places where the server's own words stand.

MySQL's and MariaDB's statements, variables and packet names are what they are. Each is listed here
as it is written; anything else with such a word in it is ours, and has a better name.
"""

from __future__ import annotations

# Ours are: source, target, origin, destination, primary, switchover, rollback.
BANNED = ("src", "dst", "master", "slave", "masters", "slaves", "cutover", "failover")

# Regular expressions, case matters. A word inside a match is the server's, or a path's.
SERVER_WORDS = (
    # statements and privileges
    r"SHOW MASTER STATUS",
    r"SHOW MASTER LOGS",
    r"SHOW SLAVE (STATUS|HOSTS)",
    r"SHOW ALL SLAVES STATUS",
    r"""["'](SLAVE|ALL SLAVES)["']""",
    r"REPLICATION (MASTER ADMIN|SLAVE ADMIN|SLAVE)",
    r"REPLICATION_SLAVE_ADMIN",
    r"SLAVE MONITOR",
    r"(START|STOP|RESET) SLAVE",
    r"STOP ALL SLAVES",
    r"CHANGE MASTER TO",
    r"\bMASTER_(HOST|PORT|USER|PASSWORD|LOG_FILE|LOG_POS|SSL|USE_GTID|AUTO_POSITION)\b",
    r"\bMASTER_(CONNECT_RETRY|RETRY_COUNT)\b",
    r"\b(Seconds_Behind_Master|Master_Host|Master_Port)\b",
    r"gtid_slave_pos",
    r"\bslave_pos\b",
    r"DISABLE ON SLAVE",
    r"\(SLAVE\|REPLICA\)",
    r"RESET MASTER",
    r"Repl_slave_priv",
    # names of replication threads in the process list
    r"Slave_(IO|SQL|worker)",
    # packets of the replication protocol
    r"COM_REGISTER_SLAVE",
    # variables, of sessions and of servers
    r"@?master_(binlog_checksum|heartbeat_period)",
    r"@?slave_(uuid|connect_state|gtid_strict_mode|gtid_ignore_duplicates)",
    r"@?mariadb_slave_capability",
    r"log_slave_updates",
    r"log-slave-updates",
    r"slave_(exec_mode|type_conversions|net_timeout|run_triggers_for_rbr)",
    r"sql_slave_skip_counter",
    r"rpl_semi_sync_(master|slave)\w*",
)

# HAProxy's words: fetches and actions of its configuration, and the process it calls master in
# its manual, its options and its command socket. In the proxy's own package and its test only.
PROXY_WORDS = (r"\bf:src\b", r"\bset-dst(-port)?\b", r"\b_?master(_pid)?\b")
PROXY_FILES = ("src/sterna/endpoints/", "tests/integration/test_haproxy.py")

# The folders Python packages, and a system's sources, are laid out in.
PATHS = (r"(?<![\w.])src/", r'"src"', r'"/usr/src"', r"\bsrc\.rglob", r"find src\b")
# The browsers' own: of content security policies, and of images and scripts in a page.
BROWSER_WORDS = (r"\b(default|script|style|img|font|connect|object)-src\b", r"\bsrc=\"/")

# Files that are not ours to word: a licence, pinned packages, this list and its test.
NOT_OURS = (
    "LICENSE",
    "requirements.txt",
    "console/package-lock.json",
    "src/sterna/prechecks/system_tables.toml",  # the servers' names of their own tables
    "src/sterna/prechecks/removed_names.toml",  # … and of their variables
    "src/sterna/prechecks/removed_syntax.toml",  # … and their statements
    "tests/house/words.py",
    "tests/house/test_words.py",
)
