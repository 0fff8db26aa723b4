-- Where an entity lies on the grid of context/area.py, which says what a band is. A b-tree by type, band and longitude answers
-- an area of one type in a sixth of the time of a GiST index of boxes, and is as cheap to keep.
ALTER TABLE entity ADD COLUMN band int, ADD COLUMN west float8;
UPDATE entity SET
    band = CASE
        WHEN greatest((place[0])[0] - (place[1])[0], (place[0])[1] - (place[1])[1]) = 0 THEN floor((place[1])[1] / 0.0025)
        WHEN greatest((place[0])[0] - (place[1])[0], (place[0])[1] - (place[1])[1]) <= 0.005 THEN 1000000 + floor((place[1])[1] / 0.005)
        WHEN greatest((place[0])[0] - (place[1])[0], (place[0])[1] - (place[1])[1]) <= 0.1 THEN 2000000 + floor((place[1])[1] / 0.1)
        ELSE 3000000
    END,
    west = (place[1])[0]
WHERE place IS NOT NULL;
DROP INDEX entity_place;
CREATE INDEX entity_area ON entity (type, band, west) INCLUDE (id) WHERE band IS NOT NULL;
CREATE INDEX entity_area_types ON entity (band, west) INCLUDE (id, type) WHERE band IS NOT NULL AND cardinality(types) > 1;
