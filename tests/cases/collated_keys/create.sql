CREATE TABLE ci (k VARCHAR(20) CHARACTER SET utf8 COLLATE utf8_general_ci NOT NULL PRIMARY KEY,
  v INT);
INSERT INTO ci VALUES ('Straße', 1), ('strasse', 2), ('ÄPFEL', 3), ('', 4), ('b ', 5);
CREATE TABLE german (k VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_german2_ci NOT NULL
  PRIMARY KEY, v INT);
INSERT INTO german VALUES ('Muß', 1), ('Mu', 2), ('Äpfel', 3);
CREATE TABLE bin (k VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  v INT);
INSERT INTO bin VALUES ('a', 1), ('A', 2), ('ä', 3), ('ß', 4), ('ss', 5), ('😀', 6), ('😁', 7);
CREATE TABLE padded (k CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci NOT NULL,
  w CHAR(5) CHARACTER SET latin1 NOT NULL, v INT, PRIMARY KEY (k, w));
INSERT INTO padded VALUES ('a', 'x', 1), ('a', 'y ', 2), ('', '', 3), ('b', 'ÿ', 4);
CREATE TABLE swedish (k VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci NOT NULL,
  v INT, UNIQUE KEY (k));
INSERT INTO swedish VALUES ('å', 1), ('a', 2), ('ö', 3), ('o', 4);
