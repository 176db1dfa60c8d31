CREATE TABLE parent (a INT, b VARCHAR(10) CHARACTER SET latin1, PRIMARY KEY (a, b));
INSERT INTO parent VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four'), (5, 'five'), (6, 'six');
CREATE TABLE cascades (id INT PRIMARY KEY, a INT, b VARCHAR(10) CHARACTER SET latin1,
  FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO cascades VALUES (1, 1, 'one'), (2, 1, 'one'), (3, 2, 'two'), (4, NULL, 'x'), (5, 3, 'three');
CREATE TABLE nulls (id INT PRIMARY KEY, a INT, b VARCHAR(10) CHARACTER SET latin1,
  CONSTRAINT `to null` FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE SET NULL ON UPDATE SET NULL);
INSERT INTO nulls VALUES (1, 1, 'one'), (2, 4, 'four'), (3, 3, 'three');
CREATE TABLE restricted (id INT PRIMARY KEY, a INT, b VARCHAR(10) CHARACTER SET latin1,
  FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE RESTRICT ON UPDATE NO ACTION);
INSERT INTO restricted VALUES (1, 6, 'six');
CREATE TABLE grandchild (id INT PRIMARY KEY, c INT,
  FOREIGN KEY (c) REFERENCES cascades (id) ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO grandchild VALUES (1, 1), (2, 3), (3, 5);
CREATE TABLE tree (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES tree (id) ON DELETE CASCADE);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, 5), (6, NULL), (7, 6);
CREATE TABLE left_one (id INT PRIMARY KEY, r INT);
CREATE TABLE right_one (id INT PRIMARY KEY, l INT, FOREIGN KEY (l) REFERENCES left_one (id));
ALTER TABLE left_one ADD CONSTRAINT circle FOREIGN KEY (r) REFERENCES right_one (id) ON DELETE SET NULL;
INSERT INTO left_one VALUES (1, NULL);
INSERT INTO right_one VALUES (1, 1);
UPDATE left_one SET r = 1;
SET foreign_key_checks = 0;
INSERT INTO restricted VALUES (9, 99, 'orphan');
SET foreign_key_checks = 1;
