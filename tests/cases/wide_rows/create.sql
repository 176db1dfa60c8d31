SET group_concat_max_len = 1000000;
CREATE TABLE digits (n INT PRIMARY KEY);
INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9);
SET @columns = (SELECT GROUP_CONCAT(CONCAT('c', a.n * 100 + b.n * 10 + c.n, ' SMALLINT') ORDER BY 1)
  FROM digits a, digits b, digits c);
SET @more = (SELECT GROUP_CONCAT(CONCAT('d', n, ' TINYINT') ORDER BY n) FROM digits);
SET @sql = CONCAT('CREATE TABLE widest (id INT PRIMARY KEY, ', @columns, ',', @more,
  ', e0 BIT(1), e1 DATE, e2 CHAR(3), e3 DOUBLE, e4 TIME, e5 YEAR)');
PREPARE made FROM @sql;
EXECUTE made;
INSERT INTO widest (id, c0, c999, d0, e2) VALUES (1, 1, -1, 1, 'abc'), (2, NULL, 32767, -128, '');
CREATE TABLE longest (a VARCHAR(21844) CHARACTER SET utf8 NOT NULL) ROW_FORMAT=DYNAMIC;
INSERT INTO longest VALUES (REPEAT('€', 21844)), (''), (REPEAT('a', 21844));
CREATE TABLE longest_latin (a VARCHAR(65533) CHARACTER SET latin1 NOT NULL) ROW_FORMAT=DYNAMIC;
INSERT INTO longest_latin VALUES (REPEAT(0x5C, 65533)), (REPEAT(0x00, 65533));
