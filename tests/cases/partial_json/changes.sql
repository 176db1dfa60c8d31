SET binlog_row_value_options = 'PARTIAL_JSON';
UPDATE documents SET j = JSON_SET(j, '$.a', 2) WHERE id = 1;
UPDATE documents SET j = JSON_REMOVE(j, '$[1]') WHERE id = 2;
UPDATE documents SET j = JSON_REPLACE(j, '$.b', 'y') WHERE id = 1;
