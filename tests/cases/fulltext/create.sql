CREATE TABLE found (FTS_DOC_ID BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, title VARCHAR(100), body TEXT,
  FULLTEXT KEY words (title, body));
INSERT INTO found (title, body) VALUES ('one', 'some words'), ('two', 'others'), ('three', NULL);
CREATE TABLE own_numbers (id INT PRIMARY KEY, FTS_DOC_ID BIGINT UNSIGNED NOT NULL, a TEXT, b TEXT,
  UNIQUE KEY FTS_DOC_ID_INDEX (FTS_DOC_ID), FULLTEXT KEY (a), FULLTEXT KEY (b), FULLTEXT KEY both_of_them (a, b));
INSERT INTO own_numbers VALUES (3, 1, 'a', 'b'), (2, 5, 'c', 'd'), (1, 9, '', NULL);
CREATE TABLE keyless (a VARCHAR(50), FULLTEXT KEY (a));
INSERT INTO keyless VALUES ('twice'), ('twice'), (NULL);
