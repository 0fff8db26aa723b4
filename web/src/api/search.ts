/** Finding places and things by name. The only file that writes an NGSI-LD query. */
import { valueOf, type Entity } from '../state/entity';
import { get } from './http';

export const SEARCH_TYPES = [
  'PointOfInterest', 'PublicTransportStop', 'RoadSegment', 'Building', 'StationEntrance', 'BikeHireDockingStation',
  'Address', 'TrafficSignalController',
] as const;
/** A street is many segments of one name: enough are asked for that other things still show. */
const LIMIT = 100;

/** Both cases of each letter, so that no dialect of regular expression is assumed; a special sign matches any one sign. */
export function pattern(text: string): string {
  const each = (sign: string): string => {
    if (/\s/.test(sign)) return ' ';
    if (!/[\p{L}\p{N}]/u.test(sign)) return '.';
    const low = sign.toLowerCase();
    const up = sign.toUpperCase();
    return low === up || up.length !== 1 || low.length !== 1 ? sign : `[${low}${up}]`;
  };
  return `.*${[...text.trim().slice(0, 60)].map(each).join('')}.*`;
}

/** A name is plain or in several languages; each must be asked for by its tag. `@none` is the place's own language. */
const NAMES = ['name', 'name[@none]', 'name[ko]', 'name[en]'];

export function query(text: string): string {
  const parameters = new URLSearchParams({
    type: SEARCH_TYPES.join(','),
    q: NAMES.map((name) => `${name}~="${pattern(text)}"`).join('|'),
    options: 'keyValues',
    limit: String(LIMIT),
  });
  return `/ngsi-ld/v1/entities?${parameters}`;
}

export function searchPlaces(text: string, signal: AbortSignal): Promise<Entity[]> {
  return get<Entity[]>(query(text), signal).then(oneOfEachName);
}

/** The first of each type and name stands for all of them. */
export function oneOfEachName(found: readonly Entity[]): Entity[] {
  const seen = new Map<string, Entity>();
  for (const entity of found) {
    const key = `${entity.type}|${JSON.stringify(valueOf(entity, 'name'))}`;
    if (!seen.has(key)) seen.set(key, entity);
  }
  return [...seen.values()];
}

export function getEntity(id: string): Promise<Entity> {
  return get<Entity>(`/ngsi-ld/v1/entities/${encodeURIComponent(id)}?options=concise`);
}
