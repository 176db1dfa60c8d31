CREATE TABLE selected CHARACTER SET latin1 COLLATE latin1_swedish_ci AS SELECT id, c, t FROM u;
UPDATE selected SET c = 0 LIMIT 1;
CREATE TABLE computed (k INT NOT NULL AUTO_INCREMENT PRIMARY KEY) CHARACTER SET utf8
  COLLATE utf8_general_ci AS SELECT id * 2.5 AS x, CONCAT(t, 'x') AS y FROM u;
INSERT INTO computed (x) VALUES (9);
