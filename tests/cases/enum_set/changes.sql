UPDATE e SET n = '1' WHERE id = 1;
UPDATE IGNORE e SET m = 'none', g = 0 WHERE id = 2;
DELETE FROM e WHERE id = 6;
INSERT IGNORE INTO e VALUES (16, 0, 0, 0, 0), (17, 3, 1, 3, 1);
UPDATE s64 SET s = s ^ 1, s9 = s9 | 256 WHERE id < 4;
DELETE FROM s64 WHERE s IS NULL;
UPDATE wide_enum SET e = 257 WHERE v = 3;
DELETE FROM wide_enum WHERE e = 300;
