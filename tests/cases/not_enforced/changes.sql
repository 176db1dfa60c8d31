INSERT INTO checked VALUES (3, -3);
ALTER TABLE checked ADD CONSTRAINT later CHECK (id < 2) NOT ENFORCED;
UPDATE checked SET v = v - 10 WHERE id = 2;
