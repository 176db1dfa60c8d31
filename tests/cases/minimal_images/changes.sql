SET binlog_row_image = 'MINIMAL';
UPDATE t SET a = 2;
