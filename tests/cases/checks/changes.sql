INSERT INTO checked VALUES (200, 2, 'b');
UPDATE checked SET v = v + 1000;
DELETE FROM other;
