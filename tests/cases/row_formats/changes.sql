INSERT INTO compact VALUES (2, 'b');
UPDATE redundant SET v = 'c';
DELETE FROM dynamic;
INSERT INTO compressed SELECT id + 1, v FROM compressed;
ALTER TABLE compact ROW_FORMAT=REDUNDANT;
UPDATE compact SET v = 'again';
UPDATE prefixes SET v = 'x', t = 'other words' WHERE id = 1;
