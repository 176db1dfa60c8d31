CREATE TABLE digits (n INT PRIMARY KEY);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
CREATE TABLE many (id INT PRIMARY KEY, k INT, v VARCHAR(200), KEY (k));
INSERT INTO many SELECT a.n + b.n * 10 + c.n * 100 + d.n * 1000, a.n, REPEAT('v', 150)
  FROM digits a, digits b, digits c, digits d;
CREATE TABLE nokey LIKE many;
ALTER TABLE nokey DROP PRIMARY KEY, DROP KEY k;
INSERT INTO nokey SELECT * FROM many WHERE id < 300;
