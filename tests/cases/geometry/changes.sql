UPDATE shapes SET g = ST_GeomFromText('LINESTRING(0 0,1 1)'), p = ST_GeomFromText('POINT(3 4)')
  WHERE id = 2;
UPDATE shapes SET g = ST_GeomFromText('POINT(10 20)', 4326) WHERE id = 3;
DELETE FROM shapes WHERE id = 4;
INSERT INTO placed VALUES (3, ST_GeomFromText('POINT(-1 -1)', 4326));
DELETE FROM placed WHERE id = 2;
