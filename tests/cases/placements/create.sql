CREATE TABLE in_the_system (id INT PRIMARY KEY, v VARCHAR(20)) TABLESPACE = innodb_system;
INSERT INTO in_the_system VALUES (1, 'a'), (2, 'b');
SET @sql = CONCAT('CREATE TABLE elsewhere (id INT PRIMARY KEY, v VARCHAR(20)) DATA DIRECTORY = ''',
  @@tmpdir, '/elsewhere/''');
PREPARE made FROM @sql;
EXECUTE made;
INSERT INTO elsewhere VALUES (1, 'a'), (2, 'b');
SET @sql = CONCAT('CREATE TABLE in_parts (id INT PRIMARY KEY, v VARCHAR(20)) PARTITION BY RANGE (id) (',
  'PARTITION p0 VALUES LESS THAN (5) DATA DIRECTORY = ''', @@tmpdir, '/elsewhere/'',',
  'PARTITION p1 VALUES LESS THAN MAXVALUE)');
PREPARE made FROM @sql;
EXECUTE made;
INSERT INTO in_parts VALUES (1, 'a'), (9, 'b');
CREATE TABLE smaller (id INT PRIMARY KEY, v TEXT) COMPRESSION = 'zlib';
INSERT INTO smaller VALUES (1, REPEAT('a', 20000));
