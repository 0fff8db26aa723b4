"""Extract -> OSM XML with only what a traffic network is made of: netconvert reads no PBF."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

from madang.ingest.osm.data import Extract, Tags

RAILWAYS = ("tram", "light_rail")
STREETS_WITHOUT_CARS = ("footway", "path", "steps", "corridor", "elevator", "platform", "pedestrian", "bridleway")
ROUTES = ("bus", "tram", "trolleybus")
NODE_KEYS = ("highway", "crossing", "railway", "public_transport", "name", "ref", "traffic_signals", "bus", "tram")


def write_traffic_osm(extract: Extract, path: Path, walkable: bool = False) -> int:
    """Writes streets, tram tracks, their nodes, turn restrictions and line relations; gives the number of ways."""
    ways = [w for w in extract.ways.values() if len(w.refs) > 1 and is_traffic_way(w.tags, walkable)]
    used = {ref for way in ways for ref in way.refs}
    stops = {node for node, tags in extract.tagged.items() if is_stop(tags)}
    kept = {way.id for way in ways}
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">\n')
        west, south, east, north = extract.bbox
        file.write(f'<bounds minlat="{south}" minlon="{west}" maxlat="{north}" maxlon="{east}"/>\n')
        for node in sorted(used | stops):
            lon, lat = extract.points[node]
            tags = {k: v for k, v in extract.tagged.get(node, {}).items() if k in NODE_KEYS}
            file.write(f'<node id="{node}" lon="{lon}" lat="{lat}">{_tags(tags)}</node>\n')
        for way in sorted(ways, key=lambda w: w.id):
            refs = "".join(f'<nd ref="{ref}"/>' for ref in way.refs)
            file.write(f'<way id="{way.id}">{refs}{_tags(way.tags)}</way>\n')
        for relation in sorted(extract.relations.values(), key=lambda r: r.id):
            if not is_traffic_relation(relation.tags):
                continue
            members = "".join(
                f'<member type="{_KIND[m.kind]}" ref="{m.ref}" role={quoteattr(m.role)}/>'
                for m in relation.members
                if (m.kind == "w" and m.ref in kept) or (m.kind == "n" and m.ref in used | stops)
            )
            file.write(f'<relation id="{relation.id}">{members}{_tags(relation.tags)}</relation>\n')
        file.write("</osm>\n")
    return len(ways)


_KIND = {"n": "node", "w": "way", "r": "relation"}


def _tags(tags: Tags) -> str:
    return "".join(f"<tag k={quoteattr(k)} v={quoteattr(v)}/>" for k, v in sorted(tags.items()))


def is_stop(tags: Tags) -> bool:
    """Whether a node is a place where buses or trams stop."""
    return (
        tags.get("highway") == "bus_stop"
        or tags.get("railway") == "tram_stop"
        or tags.get("public_transport") in ("platform", "stop_position")
    )


def is_traffic_way(tags: Tags, walkable: bool) -> bool:
    """Streets for wheels and tram tracks; footpaths only when asked for. No areas, tunnels for pipes or yards."""
    if tags.get("area") == "yes" or tags.get("access") == "private" or tags.get("indoor") == "yes":
        return False
    if tags.get("railway") in RAILWAYS:
        return True
    kind = tags.get("highway")
    if kind is None or kind in ("construction", "proposed", "trail", "elevator", "corridor", "platform"):
        return False
    if kind == "service" and tags.get("service") in ("parking_aisle", "driveway", "emergency_access", "drive-through"):
        return False
    if kind in STREETS_WITHOUT_CARS:
        return walkable or (kind != "steps" and tags.get("psv", tags.get("bus")) in ("yes", "designated"))
    return True


def is_traffic_relation(tags: Tags) -> bool:
    """Turn restrictions and lines of buses and trams."""
    return tags.get("type", "").startswith("restriction") or (
        tags.get("type") == "route" and tags.get("route") in ROUTES
    )
