UPDATE reals SET f = f / 3, d = d / 3, n = n / 7 WHERE id < 8;
UPDATE reals SET f = 1e-45, d = 5e-324 WHERE id = 9;
DELETE FROM reals WHERE f = 16777216;
INSERT INTO reals (id, f, d) VALUES (20, -0e0, -0e0), (21, 0.1 + 0.2, 0.1e0 + 0.2e0);
UPDATE real_key SET d = d * 3, v = 9;
UPDATE real_key SET f = f * 3 WHERE f > 100;
DELETE FROM real_key WHERE f < 0;
UPDATE decimal_key SET n = n + 0.00000000000000000001 WHERE n >= 0;
DELETE FROM decimal_key WHERE n < 0;
