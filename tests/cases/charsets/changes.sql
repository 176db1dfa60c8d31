UPDATE every SET c_gbk = _gbk 0x815C, c_utf16 = _utf16 0x005C000A, c_ucs2 = _ucs2 0x5C5C WHERE id = 0;
UPDATE every SET c_latin1 = c_utf8mb4, c_utf32 = '😀' WHERE id < 4;
DELETE FROM fixed WHERE id = 3;
UPDATE fixed SET h_sjis = 'ソ', h_big5 = '功', h_utf16 = 'a  ', h_utf8mb4 = '😀😀😀😀';
SET NAMES latin1;
INSERT INTO odd (id, l, implied) VALUES (10, 'Ã¤', 'Ã¤');
SET NAMES utf8mb4;
UPDATE odd SET g = CONCAT(g, _gbk 0xFE5C), l = CONCAT(l, 0x9D8100) WHERE id < 3;
