INSERT INTO checked VALUES (200, -2);
UPDATE checked SET v = -v;
