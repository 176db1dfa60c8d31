UPDATE stored_key SET a = a + 10 ORDER BY b DESC;
DELETE FROM stored_key WHERE b = 14;
