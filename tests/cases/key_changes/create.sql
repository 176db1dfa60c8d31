CREATE TABLE k (id INT PRIMARY KEY, u INT, w INT, v VARCHAR(20), UNIQUE KEY (u), UNIQUE KEY (w));
INSERT INTO k VALUES (1, 1, 10, 'one'), (2, 2, 20, 'two'), (3, 3, 30, 'three'), (4, NULL, NULL, '');
CREATE TABLE composite (a INT, b INT, c INT, v INT, PRIMARY KEY (a, b, c));
INSERT INTO composite VALUES (1, 1, 1, 1), (1, 1, 2, 2), (1, 2, 1, 3), (2, 1, 1, 4);
CREATE TABLE text_key (k VARCHAR(20) CHARACTER SET utf8 NOT NULL PRIMARY KEY, v INT);
INSERT INTO text_key VALUES ('a', 1), ('b', 2), ('c', 3);
