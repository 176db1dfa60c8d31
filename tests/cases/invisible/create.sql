CREATE TABLE hidden (id INT PRIMARY KEY, seen INT, unseen INT INVISIBLE DEFAULT 9,
  unseen_text VARCHAR(20) INVISIBLE);
INSERT INTO hidden (id, seen, unseen, unseen_text) VALUES (1, 1, 1, 'a'), (2, 2, NULL, NULL);
INSERT INTO hidden (id, seen) VALUES (3, 3);
