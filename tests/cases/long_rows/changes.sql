UPDATE long_key SET v = v + 1;
UPDATE long_key SET k = REPEAT('z', 767) WHERE v = 4;
DELETE FROM seven_hundred WHERE k = REPEAT(0xFF, 767);
UPDATE wide_myisam SET c = REPEAT('x', 8999), e = REPEAT('e', 60000) WHERE id = 1;
INSERT INTO long_key VALUES (REPEAT('a', 767), 9);
