UPDATE widest SET c500 = 500, e0 = 1, e4 = '-01:02:03';
INSERT INTO widest (id, e5) VALUES (3, 2155);
UPDATE longest SET a = REPEAT('ß', 21844) WHERE a = '';
UPDATE longest_latin SET a = REPEAT('\n', 65533) WHERE a LIKE '\0%';
