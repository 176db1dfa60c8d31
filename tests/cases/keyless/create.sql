CREATE TABLE dup (a INT, b VARCHAR(20), c DOUBLE);
INSERT INTO dup VALUES (1, 'x', 0.1), (1, 'x', 0.1), (1, 'x', 0.1), (NULL, NULL, NULL),
  (NULL, NULL, NULL), (2, '', -0e0), (2, '', 0);
CREATE TABLE one_column (v VARCHAR(10) NOT NULL);
INSERT INTO one_column VALUES (''), (''), (' '), ('a'), ('A');
CREATE TABLE nullable_unique (a INT, b INT, UNIQUE KEY (a), KEY (b));
INSERT INTO nullable_unique VALUES (NULL, 1), (NULL, 1), (NULL, 2), (1, 1);
CREATE TABLE late_key (a INT, b INT NOT NULL, c INT NOT NULL, UNIQUE KEY (b, c), KEY (a));
INSERT INTO late_key VALUES (1, 1, 1), (1, 1, 2), (NULL, 2, 1);
CREATE TABLE blobs_only (b BLOB, t TEXT);
INSERT INTO blobs_only VALUES (REPEAT('b', 1000), 'x'), (REPEAT('b', 1000), 'x'), (NULL, '');
