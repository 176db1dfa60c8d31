UPDATE big SET c = REPEAT(0x000A5C, 900000), b = 'short' WHERE id = 1;
UPDATE big SET a = c WHERE id = 1;
INSERT INTO big SELECT id + 10, a, b, c, t FROM big;
DELETE FROM big WHERE id = 1;
UPDATE edges SET v = REPEAT('w', 19999), w = REPEAT(0xFF, 299) WHERE id > 2;
