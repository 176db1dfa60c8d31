SET autocommit = 0;
LOCK TABLES typed WRITE;
UPDATE typed SET j = JSON_ARRAY(j);
UPDATE typed SET j = JSON_EXTRACT(j, '$[0]');
COMMIT;
UNLOCK TABLES;
SET autocommit = 1;
