UPDATE ends SET t = -t - 1, b = -b - 1, m = -m - 1 WHERE id >= 9223372036854775807;
UPDATE ends SET id = 18446744073709551614 WHERE id = 18446744073709551615;
DELETE FROM ends WHERE id = 0;
INSERT INTO ends (id, mu) VALUES (0, 16777215), (18446744073709551615, 0);
UPDATE bits SET b9 = 255, b64 = b64 >> 1 WHERE b9 = 511;
DELETE FROM bits WHERE b9 = 10;
INSERT INTO bits VALUES (10, 0, 1, 1);
UPDATE signed_key SET id = -id - 1, v = v + 1 WHERE id = -1 AND 0;

UPDATE signed_key SET id = 77 WHERE id = -1;
UPDATE year_key SET y = 1970 WHERE y = 0;
DELETE FROM year_key WHERE y = 2155;
UPDATE tiny_key SET b = -b - 1 WHERE a >= 128;
