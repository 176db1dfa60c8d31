UPDATE f SET a = CONCAT(a, 'x'), j = '{"n": [3, 4, 5]}' WHERE id < 3;
DELETE FROM f WHERE id = 3;
INSERT INTO f VALUES (4, 'ß', '{"n": [18446744073709551615]}', '2024-02-29');
INSERT INTO expressions (id) VALUES (3);
ALTER TABLE expressions ADD KEY sum_of ((n + id));
UPDATE expressions SET n = 5;
