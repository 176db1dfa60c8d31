CREATE TABLE numbers (id INT PRIMARY KEY, j JSON);
INSERT INTO numbers VALUES (1, '52.0'), (2, '[1.0, -0.0, 1e15, 1e16, 123456789.0]'), (3, '1e300');
