UPDATE numbers SET j = JSON_ARRAY(3.0e0, j) WHERE id = 1;
INSERT INTO numbers VALUES (4, '2.0');
