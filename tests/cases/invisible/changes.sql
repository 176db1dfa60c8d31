UPDATE hidden SET unseen = 77 WHERE id = 1;
INSERT INTO hidden (id, seen) VALUES (4, 4);
DELETE FROM hidden WHERE unseen IS NULL;
