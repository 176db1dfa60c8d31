CREATE TABLE checked (id INT PRIMARY KEY, v INT CHECK (v > 0), CHECK (id < 10),
  CONSTRAINT named CHECK (v <> id));
INSERT INTO checked VALUES (100, -1), (5, 5), (1, NULL);
