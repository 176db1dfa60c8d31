INSERT INTO found (title, body) VALUES ('four', 'words again');
UPDATE found SET FTS_DOC_ID = 20, body = 'changed' WHERE title = 'two';
DELETE FROM found WHERE title = 'one';
INSERT INTO own_numbers VALUES (7, 11, 'new', 'newer');
UPDATE own_numbers SET FTS_DOC_ID = 30, a = 'other' WHERE id = 3;
DELETE FROM own_numbers WHERE id = 2;
DELETE FROM keyless WHERE a = 'twice' LIMIT 1;
ALTER TABLE found ADD FULLTEXT KEY titles (title);
INSERT INTO found (FTS_DOC_ID, title) VALUES (40, 'five');
