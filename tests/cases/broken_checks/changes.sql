DELETE FROM broken;
