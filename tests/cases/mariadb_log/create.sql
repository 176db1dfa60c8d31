CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(2000), b BLOB);
INSERT INTO t VALUES (1, REPEAT('a', 2000), REPEAT(0x00, 5000));
SET GLOBAL log_bin_compress = ON;
SET GLOBAL log_bin_compress_min_len = 10;
