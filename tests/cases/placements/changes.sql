UPDATE in_the_system SET v = 'c' WHERE id = 2;
DELETE FROM elsewhere WHERE id = 1;
INSERT INTO in_parts VALUES (2, 'c'), (10, 'd');
UPDATE smaller SET v = REPEAT('b', 30000);
CREATE TABLE later (id INT PRIMARY KEY) TABLESPACE = innodb_system;
INSERT INTO later VALUES (1);
