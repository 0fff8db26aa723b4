-- The shape of each building: what the tiles are made of. Everything else is told by the entity of the same id.
CREATE TABLE twin_shape (
    id text PRIMARY KEY,
    digest bytea NOT NULL, -- of shape and attributes as they were read
    lod text NOT NULL,
    longitude double precision NOT NULL, -- the anchor: degrees of WGS 84, metres of the file's own height
    latitude double precision NOT NULL,
    base_m double precision NOT NULL,
    height_m real NOT NULL,
    block real[] NOT NULL, -- the upright box around it: east, north of its middle, direction, length, width
    bulk_m3 real NOT NULL,
    cell bigint NOT NULL, -- of the finest level of the quadtree
    mesh bytea NOT NULL
);
CREATE INDEX twin_shape_cell ON twin_shape (cell) INCLUDE (bulk_m3);

-- Leaf cells whose tiles are to be made anew: written with the shapes, gone when the tiles are made.
CREATE TABLE twin_touched (cell bigint PRIMARY KEY);

-- The tiles as they are served, made when shapes change.
CREATE TABLE twin_tile (
    level smallint NOT NULL,
    cell bigint NOT NULL,
    buildings int NOT NULL,
    region double precision[] NOT NULL, -- west, south, east, north in degrees, low, high in metres
    tag text NOT NULL,
    glb bytea NOT NULL, -- packed by gzip
    PRIMARY KEY (level, cell)
);
ALTER TABLE twin_tile ALTER COLUMN glb SET STORAGE EXTERNAL;
