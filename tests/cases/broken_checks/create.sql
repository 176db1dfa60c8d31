CREATE TABLE broken (id INT PRIMARY KEY, v INT CHECK (v > 0));
SET check_constraint_checks = OFF;
INSERT INTO broken VALUES (1, -1), (2, 5);
