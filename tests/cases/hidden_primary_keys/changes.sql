UPDATE hidden SET b = 'y' WHERE a = 1 LIMIT 1;
DELETE FROM hidden WHERE a IS NULL;
INSERT INTO hidden VALUES (2, 'z');
UPDATE unseen SET a = 10, b = 'later' WHERE id < 3;
INSERT INTO unseen VALUES (4, 4);
SET sql_generate_invisible_primary_key = ON;
CREATE TABLE later (a INT);
INSERT INTO later VALUES (1), (1);
DELETE FROM later LIMIT 1;
