/** What the server tells of the past, cut into the frames that the live page understands. Pure. */
import { newestOf, type Entity } from '../state/entity';
import { KPI_SUBSCRIPTION, subscriptions } from '../state/layers';
import type { ChangesFrame, StateFrame } from '../state/reducer';

export type Told = { seq: number; op: string; at: string; entity: Entity };
export type Part = { since: string; until: string; changes: Told[] };
export type Scene = { at: string; entities: Entity[] };

export const SPEEDS = [1, 5, 20, 60] as const;
export const WINDOW_MIN_S = 20;
const WINDOW_MAX_S = 600;
const AHEAD_S = 12;
/** What never moves is not asked for: the past of a bus stop is its present. */
const STANDING = new Set(['places', KPI_SUBSCRIPTION]);

const FILMED = subscriptions().filter((one) => !STANDING.has(one.id));
const BY_TYPE = new Map(FILMED.flatMap((one) => one.types.map((type) => [type, one.id] as const)));
export const TYPES = [...BY_TYPE.keys()];

/** How much city time to ask for at once, in s, and how finely: a second of the screen shows four steps at most. */
export function windowOf(speed: number): { length_s: number; every_s: number } {
  const length_s = Math.min(WINDOW_MAX_S, Math.max(WINDOW_MIN_S, speed * AHEAD_S));
  return { length_s, every_s: speed <= 1 ? 0 : Math.min(60, speed / 4) };
}

/** One whole picture for each subscription, empty ones too: what is not there then must go. */
export function framesOf(scene: Scene): StateFrame[] {
  const found = new Map<string, Entity[]>(FILMED.map((one) => [one.id, []]));
  for (const entity of scene.entities) found.get(BY_TYPE.get(entity.type) ?? '')?.push(entity);
  return [...found].map(([id, entities]) => ({ op: 'state', id, seq: 0, entities, first: true, last: true }));
}

/** The changes up to a moment as frames, in order, and what is left for later. */
export function due(changes: readonly Told[], until: number): { frames: ChangesFrame[]; left: readonly Told[] } {
  let count = 0;
  while (count < changes.length && Date.parse(changes[count]!.at) <= until) count += 1;
  return { frames: changes.slice(0, count).flatMap(frameOf), left: count ? changes.slice(count) : changes };
}

function frameOf(told: Told): ChangesFrame[] {
  const id = BY_TYPE.get(told.entity.type);
  if (!id) return [];
  const gone = told.op === 'd';
  return [{ op: 'changes', id, seq: told.seq, entities: gone ? [] : [told.entity], deleted: gone ? [told.entity.id] : [] }];
}

/** One frame a subscription out of many that follow each other: the map is told once. */
export function merged(frames: readonly ChangesFrame[]): ChangesFrame[] {
  const out: ChangesFrame[] = [];
  const open = new Map<string, ChangesFrame>();
  for (const frame of frames) {
    const last = open.get(frame.id);
    const starts = !last || (frame.deleted ?? []).length > 0 || (last.deleted ?? []).length > 0;
    if (starts) {
      open.set(frame.id, { ...frame, entities: [...frame.entities] });
      out.push(open.get(frame.id)!);
    } else {
      last.entities.push(...frame.entities);
      last.seq = frame.seq;
    }
  }
  return out;
}

/** The city's time in what was told: its devices' clocks, which in a simulation are not ours. */
export function timeIn(entities: Iterable<Entity>): number | null {
  let newest: number | null = null;
  for (const entity of entities) {
    const at = newestOf(entity);
    if (at !== null && (newest === null || at > newest)) newest = at;
  }
  return newest;
}
