CREATE TABLE checked (id INT PRIMARY KEY, v INT CHECK (v > 0), w VARCHAR(9),
  CONSTRAINT named CHECK (v <> id), CONSTRAINT CHECK (w <> 'x,)'));
INSERT INTO checked VALUES (100, 1, 'a'), (5, 6, NULL), (1, NULL, '');
CREATE TABLE other (id INT PRIMARY KEY CHECK (id > 0), v INT, CONSTRAINT CHECK (v > id));
INSERT INTO other VALUES (1, 2);
