UPDATE made SET a = 'changed', f = f * 7 WHERE id < 3;
DELETE FROM made WHERE id = 4;
INSERT INTO made (id, a, f) VALUES (10, 'later', 2);
UPDATE first_generated SET id = id + 10;
ALTER TABLE made ADD COLUMN later INT GENERATED ALWAYS AS (id * 2) VIRTUAL;
INSERT INTO made (id, a) VALUES (11, 'after');
