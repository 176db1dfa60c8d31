CREATE TABLE documents (id INT PRIMARY KEY, j JSON);
INSERT INTO documents VALUES (1, CONCAT('{"a": 1, "b": "', REPEAT('x', 2000), '"}')), (2, '[1, 2, 3]');
