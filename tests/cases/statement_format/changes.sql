SET binlog_format = 'STATEMENT';
INSERT INTO t VALUES (1, 1);
