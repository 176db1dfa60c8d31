CREATE TABLE stored_key (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED, v INT, PRIMARY KEY (b));
INSERT INTO stored_key (a, v) VALUES (1, 1), (2, 2), (-3, 3);
