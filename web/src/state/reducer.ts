/**
 * What the page knows of the city, and how a frame changes it. Pure: a new state comes back, the old one stays.
 * The law, tested: apply(changes, old state) equals a fresh fetch of the new state.
 */
import { NGSI_NULL, type Entity } from './entity';

export type Phase = 'empty' | 'loading' | 'live' | 'resync';
export type Entities = ReadonlyMap<string, Entity>;
export type Part = { phase: Phase; seq: number; entities: Entities; pending: Entities | null };
export type State = { readonly [subscription: string]: Part };

export type StateFrame = { op: 'state'; id: string; seq: number; entities: Entity[]; first?: boolean; last: boolean };
export type ChangesFrame = { op: 'changes'; id: string; seq: number; entities: Entity[]; deleted?: string[] };
export type ResyncFrame = { op: 'resync'; id: string };
export type EntityFrame = StateFrame | ChangesFrame | ResyncFrame;

export const EMPTY_PART: Part = { phase: 'empty', seq: -1, entities: new Map(), pending: null };

export function apply(frame: EntityFrame, state: State): State {
  const old = state[frame.id] ?? EMPTY_PART;
  const next = applyPart(frame, old);
  return next === old ? state : { ...state, [frame.id]: next };
}

export function applyPart(frame: EntityFrame, part: Part): Part {
  switch (frame.op) {
    case 'resync':
      return { ...part, phase: 'resync', pending: null };
    case 'state':
      return applyPage(frame, part);
    case 'changes':
      return applyChanges(frame, part);
  }
}

/** Pages gather aside and replace the old picture at the last one, so nobody sees a half-empty city. */
function applyPage(frame: StateFrame, part: Part): Part {
  const pending = new Map(frame.first ? [] : part.pending);
  for (const entity of frame.entities) pending.set(entity.id, entity);
  if (!frame.last) return { ...part, phase: part.phase === 'empty' ? 'loading' : part.phase, seq: frame.seq, pending };
  return { phase: 'live', seq: frame.seq, entities: pending, pending: null };
}

function applyChanges(frame: ChangesFrame, part: Part): Part {
  if (frame.seq < part.seq || (frame.entities.length === 0 && !frame.deleted?.length)) return part;
  return {
    ...part,
    seq: frame.seq,
    entities: merge(frame, part.entities),
    pending: part.pending && merge(frame, part.pending),
  };
}

/** Deleted first, then changed: an entity that went and came back within one frame is there afterwards. */
function merge(frame: ChangesFrame, old: Entities): Entities {
  const entities = new Map(old);
  for (const id of frame.deleted ?? []) entities.delete(id);
  for (const change of frame.entities) {
    const before = entities.get(change.id);
    entities.set(change.id, mergeEntity(before, change));
  }
  return entities;
}

function mergeEntity(before: Entity | undefined, change: Entity): Entity {
  const merged: Entity = { ...before, ...change };
  for (const name in change) if (isNull(change[name])) delete merged[name];
  return merged;
}

function isNull(value: unknown): boolean {
  if (value === null || value === NGSI_NULL) return true;
  return typeof value === 'object' && (value as { value?: unknown }).value === NGSI_NULL;
}
