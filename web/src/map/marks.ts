/** Everything drawn above the base map: where each thing is, was, and is going. No DOM, so it is tested by counting. */
import { placeOf, numberOf, textOf, valueOf, type Entity } from '../state/entity';
import { ageOf, isDim } from '../state/freshness';
import { isActive, layerOf, type LayerId } from '../state/layers';
import { readingOf, type Grade } from '../state/reading';
import { headsOf, NO_HEADS, type Heads } from '../state/signals';
import type { EntityFrame, State } from '../state/reducer';
import { toFrame, type Frame } from './homography';

export type Mark = {
  id: string;
  layer: LayerId;
  x0: number; y0: number; x1: number; y1: number;
  from: number; until: number;
  heading: number;
  dim: boolean;
  label: string;
  grade: Grade;
  lamps: string;
  mode: string;
  late: boolean;
  heads: Heads;
  source: unknown;
  sx: number; sy: number; seen: boolean;
};

/** The glide between two updates: as long as the update was in coming, within these bounds. */
const GLIDE_MIN_MS = 100;
const GLIDE_MAX_MS = 2_000;
/** A jump this long (frame units, about 200 m at Helsinki) is not driven but reset. */
const JUMP = 0.4;
const LATE_S = 180;

export class Marks {
  readonly byLayer = new Map<LayerId, Map<string, Mark>>();
  readonly #bySubscription = new Map<string, Set<string>>();
  readonly #layers = new Map<string, LayerId>();
  /** Entities looked at since the start: the unit in which the cost of an update is tested. */
  work = 0;

  constructor(readonly frame: Frame) {}

  take(frame: EntityFrame, state: State, now: number, cityTime: number | null): void {
    const part = state[frame.id];
    if (!part || frame.op === 'resync' || (frame.op === 'state' && !frame.last)) return;
    if (frame.op === 'state') {
      const ids = new Set(part.entities.keys());
      for (const id of this.#bySubscription.get(frame.id) ?? []) if (!ids.has(id)) this.remove(id);
      this.#bySubscription.set(frame.id, ids);
      for (const entity of part.entities.values()) this.put(entity, now, cityTime);
      return;
    }
    const ids = this.#bySubscription.get(frame.id) ?? new Set();
    this.#bySubscription.set(frame.id, ids);
    for (const id of frame.deleted ?? []) {
      ids.delete(id);
      this.remove(id);
    }
    for (const { id } of frame.entities) {
      const entity = part.entities.get(id);
      if (!entity) continue;
      ids.add(id);
      this.put(entity, now, cityTime);
    }
  }

  put(entity: Entity, now: number, cityTime: number | null): void {
    this.work += 1;
    const layer = layerOf(entity);
    const place = placeOf(entity);
    if (!layer || !place || !isActive(entity)) return this.remove(entity.id);
    const known = this.#layers.get(entity.id);
    if (known && known !== layer) this.remove(entity.id);
    this.#layers.set(entity.id, layer);
    const marks = this.byLayer.get(layer) ?? new Map<string, Mark>();
    this.byLayer.set(layer, marks);
    const [x, y] = toFrame(this.frame, place[0], place[1]);
    const mark = marks.get(entity.id);
    if (mark) move(mark, x, y, now);
    marks.set(entity.id, dress(mark ?? fresh(entity.id, layer, x, y, now), entity, cityTime));
  }

  remove(id: string): void {
    const layer = this.#layers.get(id);
    if (layer) this.byLayer.get(layer)?.delete(id);
    this.#layers.delete(id);
  }

  find(id: string): Mark | null {
    const layer = this.#layers.get(id);
    return (layer && this.byLayer.get(layer)?.get(id)) ?? null;
  }

  /** The clock went on: see again what has grown old. Once a second, not once a frame. */
  age(state: State, cityTime: number | null): void {
    for (const part of Object.values(state))
      for (const entity of part.entities.values()) {
        const mark = this.find(entity.id);
        if (mark) mark.dim = isDim(ageOf(entity, cityTime));
      }
  }
}

function fresh(id: string, layer: LayerId, x: number, y: number, now: number): Mark {
  return {
    id, layer, x0: x, y0: y, x1: x, y1: y, from: now, until: now, heading: 0, dim: false, label: '', grade: 'none',
    lamps: '', mode: '', late: false, heads: NO_HEADS, source: undefined, sx: 0, sy: 0, seen: false,
  };
}

function move(mark: Mark, x: number, y: number, now: number): void {
  if (x === mark.x1 && y === mark.y1) return;
  const [atX, atY] = at(mark, now);
  const jumped = Math.hypot(x - atX, y - atY) > JUMP;
  const glide = Math.min(GLIDE_MAX_MS, Math.max(GLIDE_MIN_MS, now - mark.from));
  Object.assign(mark, { x0: jumped ? x : atX, y0: jumped ? y : atY, x1: x, y1: y, from: now, until: now + glide });
}

export function at(mark: Mark, now: number): readonly [number, number] {
  if (now >= mark.until) return [mark.x1, mark.y1];
  const share = (now - mark.from) / (mark.until - mark.from);
  return [mark.x0 + (mark.x1 - mark.x0) * share, mark.y0 + (mark.y1 - mark.y0) * share];
}

function dress(mark: Mark, entity: Entity, cityTime: number | null): Mark {
  const reading = readingOf(entity, mark.layer);
  mark.dim = isDim(ageOf(entity, cityTime));
  mark.heading = numberOf(entity, 'heading') ?? mark.heading;
  mark.grade = reading?.grade ?? 'none';
  mark.label = labelOf(entity, mark.layer, reading?.value ?? null);
  mark.lamps = mark.layer === 'signal' ? textOf(entity, 'signalState') : '';
  mark.mode = mark.layer === 'signal' ? textOf(entity, 'mode') : mark.layer === 'incident' ? entity.type : '';
  if (mark.layer === 'signal' && entity['approaches'] !== mark.source) {
    mark.source = entity['approaches'];
    mark.heads = headsOf(entity);
  }
  mark.late = (numberOf(entity, 'delay') ?? 0) > LATE_S;
  return mark;
}

function labelOf(entity: Entity, layer: LayerId, value: number | null): string {
  if (layer === 'bus' || layer === 'tram') return textOf(entity, 'line').slice(0, 5);
  if (layer === 'stop') return String(valueOf(entity, 'transportationType') ?? '').includes('tram') ? 'T' : 'B';
  if (value === null) return '';
  if (layer === 'weather') return `${Math.round(value)}°`;
  if (layer === 'air' || layer === 'noise') return String(Math.round(value));
  return '';
}
