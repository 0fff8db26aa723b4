/** An NGSI-LD entity in concise form, and the few ways the page reads one. Pure. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Point = { type: 'Point'; coordinates: [number, number] };
export type Entity = { id: string; type: string } & { [attribute: string]: unknown };

const GEO_TYPES = new Set(['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon']);
export const NOT_ATTRIBUTES = new Set(['id', 'type', '@context', 'scope', 'createdAt', 'modifiedAt']);
export const NGSI_NULL = 'urn:ngsi-ld:null';

type Wrapped = { value?: unknown; object?: unknown; languageMap?: Record<string, string>; unitCode?: string; observedAt?: string; json?: unknown };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The attribute with its sub-attributes, or null when it is a bare value. */
function wrapped(raw: unknown): Wrapped | null {
  if (!isRecord(raw) || GEO_TYPES.has(String(raw['type']))) return null;
  return 'value' in raw || 'object' in raw || 'languageMap' in raw || 'json' in raw ? (raw as Wrapped) : null;
}

export function valueOf(entity: Entity, name: string): unknown {
  const raw = entity[name];
  const inner = wrapped(raw);
  if (!inner) return raw;
  return inner.value ?? inner.object ?? inner.json ?? inner.languageMap;
}

export function numberOf(entity: Entity, name: string): number | null {
  const value = valueOf(entity, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function textOf(entity: Entity, name: string, language = 'en'): string {
  const value = valueOf(entity, name);
  if (isRecord(value)) {
    const chosen = value[language] ?? value['en'] ?? value['@none'] ?? Object.values(value)[0];
    return typeof chosen === 'string' ? chosen : '';
  }
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function unitOf(entity: Entity, name: string): string {
  return wrapped(entity[name])?.unitCode ?? '';
}

export function observedOf(entity: Entity, name: string): number | null {
  const at = wrapped(entity[name])?.observedAt;
  const time = at ? Date.parse(at) : NaN;
  return Number.isNaN(time) ? null : time;
}

export function attributesOf(entity: Entity): string[] {
  return Object.keys(entity).filter((key) => !NOT_ATTRIBUTES.has(key));
}

/** The newest observation time of any attribute, in ms; null when the entity carries none. */
export function newestOf(entity: Entity): number | null {
  let newest: number | null = null;
  for (const key in entity) {
    const at = observedOf(entity, key);
    if (at !== null && (newest === null || at > newest)) newest = at;
  }
  return newest;
}

/** A place to stand for the entity: a point itself, else the middle of its outline's box. */
export function placeOf(entity: Entity): [number, number] | null {
  const geometry = valueOf(entity, 'location');
  if (!isRecord(geometry) || !GEO_TYPES.has(String(geometry['type']))) return null;
  const coordinates = geometry['coordinates'];
  if (geometry['type'] === 'Point') return pair(coordinates);
  let box: [number, number, number, number] | null = null;
  const walk = (value: unknown): void => {
    const at = pair(value);
    if (at) {
      box = box
        ? [Math.min(box[0], at[0]), Math.min(box[1], at[1]), Math.max(box[2], at[0]), Math.max(box[3], at[1])]
        : [at[0], at[1], at[0], at[1]];
    } else if (Array.isArray(value)) value.forEach(walk);
  };
  walk(coordinates);
  const found = box as [number, number, number, number] | null;
  return found && [(found[0] + found[2]) / 2, (found[1] + found[3]) / 2];
}

function pair(value: unknown): [number, number] | null {
  if (!Array.isArray(value)) return null;
  const [lon, lat] = value as unknown[];
  return typeof lon === 'number' && typeof lat === 'number' && Number.isFinite(lon) && Number.isFinite(lat) ? [lon, lat] : null;
}

export function localId(id: string): string {
  return id.startsWith('urn:ngsi-ld:') ? id.split(':').slice(4).join(':') || id : id;
}
