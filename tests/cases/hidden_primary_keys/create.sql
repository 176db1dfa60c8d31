SET sql_generate_invisible_primary_key = ON;
CREATE TABLE hidden (a INT, b VARCHAR(20));
INSERT INTO hidden VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
SET sql_generate_invisible_primary_key = OFF;
CREATE TABLE unseen (id INT PRIMARY KEY, a INT DEFAULT 9 INVISIBLE, b TEXT INVISIBLE, c INT,
  KEY not_used (c) INVISIBLE);
INSERT INTO unseen (id, a, b) VALUES (1, 1, 'a'), (2, NULL, NULL);
INSERT INTO unseen VALUES (3, 3);
