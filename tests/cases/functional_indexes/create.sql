CREATE TABLE f (id INT PRIMARY KEY, a VARCHAR(20), j JSON, d DATE,
  KEY up ((UPPER(a))), UNIQUE KEY both_parts ((a || ''), id), KEY many ((CAST(j->'$.n' AS UNSIGNED ARRAY))),
  KEY falling (d DESC, id));
INSERT INTO f VALUES (1, 'a', '{"n": [1, 2]}', '2020-01-01'), (2, 'A', '{"n": []}', NULL),
  (3, NULL, NULL, '1999-12-31');
CREATE TABLE expressions (id INT PRIMARY KEY, u BINARY(16) DEFAULT (UUID_TO_BIN(UUID())),
  t TEXT DEFAULT ('a, (b)'), j JSON DEFAULT (JSON_ARRAY(1, 'x')), n INT DEFAULT (1 + 2));
INSERT INTO expressions (id) VALUES (1), (2);
