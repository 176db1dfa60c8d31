CREATE TABLE every (id INT PRIMARY KEY,
  c_big5 VARCHAR(20) CHARACTER SET big5,
  c_dec8 VARCHAR(20) CHARACTER SET dec8,
  c_cp850 VARCHAR(20) CHARACTER SET cp850,
  c_hp8 VARCHAR(20) CHARACTER SET hp8,
  c_koi8r VARCHAR(20) CHARACTER SET koi8r,
  c_latin1 VARCHAR(20) CHARACTER SET latin1,
  c_latin2 VARCHAR(20) CHARACTER SET latin2,
  c_swe7 VARCHAR(20) CHARACTER SET swe7,
  c_ascii VARCHAR(20) CHARACTER SET ascii,
  c_ujis VARCHAR(20) CHARACTER SET ujis,
  c_sjis VARCHAR(20) CHARACTER SET sjis,
  c_hebrew VARCHAR(20) CHARACTER SET hebrew,
  c_tis620 VARCHAR(20) CHARACTER SET tis620,
  c_euckr VARCHAR(20) CHARACTER SET euckr,
  c_koi8u VARCHAR(20) CHARACTER SET koi8u,
  c_gb2312 VARCHAR(20) CHARACTER SET gb2312,
  c_greek VARCHAR(20) CHARACTER SET greek,
  c_cp1250 VARCHAR(20) CHARACTER SET cp1250,
  c_gbk VARCHAR(20) CHARACTER SET gbk,
  c_latin5 VARCHAR(20) CHARACTER SET latin5,
  c_armscii8 VARCHAR(20) CHARACTER SET armscii8,
  c_utf8 VARCHAR(20) CHARACTER SET utf8,
  c_ucs2 VARCHAR(20) CHARACTER SET ucs2,
  c_cp866 VARCHAR(20) CHARACTER SET cp866,
  c_keybcs2 VARCHAR(20) CHARACTER SET keybcs2,
  c_macce VARCHAR(20) CHARACTER SET macce,
  c_macroman VARCHAR(20) CHARACTER SET macroman,
  c_cp852 VARCHAR(20) CHARACTER SET cp852,
  c_latin7 VARCHAR(20) CHARACTER SET latin7,
  c_utf8mb4 VARCHAR(20) CHARACTER SET utf8mb4,
  c_cp1251 VARCHAR(20) CHARACTER SET cp1251,
  c_utf16 VARCHAR(20) CHARACTER SET utf16,
  c_utf16le VARCHAR(20) CHARACTER SET utf16le,
  c_cp1256 VARCHAR(20) CHARACTER SET cp1256,
  c_cp1257 VARCHAR(20) CHARACTER SET cp1257,
  c_utf32 VARCHAR(20) CHARACTER SET utf32,
  c_geostd8 VARCHAR(20) CHARACTER SET geostd8,
  c_cp932 VARCHAR(20) CHARACTER SET cp932,
  c_eucjpms VARCHAR(20) CHARACTER SET eucjpms);
CREATE TABLE fixed (id INT PRIMARY KEY,
  h_big5 CHAR(4) CHARACTER SET big5,
  h_dec8 CHAR(4) CHARACTER SET dec8,
  h_cp850 CHAR(4) CHARACTER SET cp850,
  h_hp8 CHAR(4) CHARACTER SET hp8,
  h_koi8r CHAR(4) CHARACTER SET koi8r,
  h_latin1 CHAR(4) CHARACTER SET latin1,
  h_latin2 CHAR(4) CHARACTER SET latin2,
  h_swe7 CHAR(4) CHARACTER SET swe7,
  h_ascii CHAR(4) CHARACTER SET ascii,
  h_ujis CHAR(4) CHARACTER SET ujis,
  h_sjis CHAR(4) CHARACTER SET sjis,
  h_hebrew CHAR(4) CHARACTER SET hebrew,
  h_tis620 CHAR(4) CHARACTER SET tis620,
  h_euckr CHAR(4) CHARACTER SET euckr,
  h_koi8u CHAR(4) CHARACTER SET koi8u,
  h_gb2312 CHAR(4) CHARACTER SET gb2312,
  h_greek CHAR(4) CHARACTER SET greek,
  h_cp1250 CHAR(4) CHARACTER SET cp1250,
  h_gbk CHAR(4) CHARACTER SET gbk,
  h_latin5 CHAR(4) CHARACTER SET latin5,
  h_armscii8 CHAR(4) CHARACTER SET armscii8,
  h_utf8 CHAR(4) CHARACTER SET utf8,
  h_ucs2 CHAR(4) CHARACTER SET ucs2,
  h_cp866 CHAR(4) CHARACTER SET cp866,
  h_keybcs2 CHAR(4) CHARACTER SET keybcs2,
  h_macce CHAR(4) CHARACTER SET macce,
  h_macroman CHAR(4) CHARACTER SET macroman,
  h_cp852 CHAR(4) CHARACTER SET cp852,
  h_latin7 CHAR(4) CHARACTER SET latin7,
  h_utf8mb4 CHAR(4) CHARACTER SET utf8mb4,
  h_cp1251 CHAR(4) CHARACTER SET cp1251,
  h_utf16 CHAR(4) CHARACTER SET utf16,
  h_utf16le CHAR(4) CHARACTER SET utf16le,
  h_cp1256 CHAR(4) CHARACTER SET cp1256,
  h_cp1257 CHAR(4) CHARACTER SET cp1257,
  h_utf32 CHAR(4) CHARACTER SET utf32,
  h_geostd8 CHAR(4) CHARACTER SET geostd8,
  h_cp932 CHAR(4) CHARACTER SET cp932,
  h_eucjpms CHAR(4) CHARACTER SET eucjpms);
INSERT IGNORE INTO every VALUES (0, 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc');
INSERT IGNORE INTO fixed VALUES (0, 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc', 'abc',
'abc', 'abc', 'abc', 'abc', 'abc');
INSERT IGNORE INTO every VALUES (1, 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é
ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß',
'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é
ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß',
'ä÷é ß');
INSERT IGNORE INTO fixed VALUES (1, 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é
ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß',
'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é
ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß', 'ä÷é ß',
'ä÷é ß');
INSERT IGNORE INTO every VALUES (2, 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук');
INSERT IGNORE INTO fixed VALUES (2, 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук', 'жук',
'жук', 'жук', 'жук', 'жук', 'жук');
INSERT IGNORE INTO every VALUES (3, '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表');
INSERT IGNORE INTO fixed VALUES (3, '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表',
'日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表', '日本語表');
INSERT IGNORE INTO every VALUES (4, 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית');
INSERT IGNORE INTO fixed VALUES (4, 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית', 'עברית',
'עברית', 'עברית', 'עברית');
INSERT IGNORE INTO every VALUES (5, 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา');
INSERT IGNORE INTO fixed VALUES (5, 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา',
'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา', 'ภาษา');
INSERT IGNORE INTO every VALUES (6, 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł');
INSERT IGNORE INTO fixed VALUES (6, 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł',
'ąęł', 'ąęł', 'ąęł', 'ąęł', 'ąęł');
INSERT IGNORE INTO every VALUES (7
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n');
INSERT IGNORE INTO fixed VALUES (7
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n'
, '\\\'\t\n');
CREATE TABLE odd (id INT PRIMARY KEY, l VARCHAR(50) CHARACTER SET latin1,
  g VARCHAR(50) CHARACTER SET gbk, s VARCHAR(50) CHARACTER SET sjis,
  b VARCHAR(50) CHARACTER SET big5, implied VARCHAR(50) CHARACTER SET utf8mb4,
  implied3 VARCHAR(50) CHARACTER SET utf8);
INSERT INTO odd VALUES
  (1, 0xC3A4C3B6E282AC, _gbk 0x815CA15C, _sjis 0x835C955C, _big5 0xA55CAE5C, 'é', 'é'),
  (2, 0x818D8F909D, _gbk 0x817C, _sjis 0x8160, _big5 0xA15C, '😀', '€'),
  (3, 0x5C4E, _gbk 0x5C4E, _sjis 0x5C4E, _big5 0x5C4E, '\\N', '\\N');
