UPDATE documents SET j = JSON_SET(j, '$.a', 2) WHERE id = 1;
UPDATE documents SET j = JSON_ARRAY(id, j) WHERE id < 10;
UPDATE documents SET j = NULL WHERE id = 11;
DELETE FROM documents WHERE id = 21;
INSERT INTO documents (id, j) VALUES (30, '{"new": "ä"}');
UPDATE documents SET j = JSON_REPLACE(j, '$.new', 'short') WHERE id = 30;
