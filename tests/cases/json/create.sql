CREATE TABLE documents (id INT PRIMARY KEY, j JSON, kind VARCHAR(20));
INSERT INTO documents (id, j) VALUES (1, '{"a": 1, "b": [true, false, null], "c": {"d": "e"}}'),
  (2, NULL), (3, 'null'), (4, '"😀 ß \\" \\\\ \\n \\u0001 \\u0000"'), (5, '18446744073709551615'),
  (6, '-9223372036854775808'), (7, '0.30000000000000004'), (8, '1e100'), (9, '{}'), (10, '[]'),
  (11, '""'), (12, '5e-324'), (13, '1.7976931348623157e308'), (14, '{"": {"": ""}}'),
  (15, '{"tab\\t": "a\\tb", "z": 1, "aa": 2}');
INSERT INTO documents (id, j) VALUES (20, CONCAT(REPEAT('[', 99), '1', REPEAT(']', 99))),
  (21, CONCAT('["', REPEAT('x', 70000), '"]')), (22, JSON_ARRAY(1, 2.5, 'x', NULL, TRUE));
UPDATE documents SET kind = JSON_TYPE(j);
