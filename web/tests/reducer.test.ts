import { describe, expect, it } from 'vitest';
import type { Entity } from '../src/state/entity';
import { apply, type ChangesFrame, type State } from '../src/state/reducer';

const page = (seq: number, entities: Entity[], last = true, id = 's1') => ({ op: 'state' as const, id, seq, entities, last });
const changes = (seq: number, entities: Entity[], deleted: string[] = [], id = 's1'): ChangesFrame => ({ op: 'changes', id, seq, entities, deleted });
const car = (n: number, extra: object = {}): Entity => ({ id: `urn:ngsi-ld:Vehicle:x:${n}`, type: 'Vehicle', ...extra });
const seen = (state: State) => Object.fromEntries(state['s1']?.entities ?? []);

/** A server in miniature: keeps the truth and folds a tick's writes into one frame, as the contract says. */
function randomTick(truth: Map<string, Entity>, random: () => number, seq: number): ChangesFrame {
  const folded = new Map<string, Entity>();
  const deleted = new Set<string>();
  for (let i = 0; i < 1 + random() * 12; i++) {
    const id = car(Math.floor(random() * 15)).id;
    if (random() < 0.2 && truth.has(id)) {
      truth.delete(id);
      folded.delete(id);
      deleted.add(id);
    } else {
      const part: Record<string, unknown> = random() < 0.5 ? { speed: { value: Math.floor(random() * 50), unitCode: 'KMH' } } : { heading: Math.floor(random() * 360) };
      if (random() < 0.1) part['line'] = 'urn:ngsi-ld:null';
      else if (random() < 0.3) part['line'] = String(Math.floor(random() * 9));
      const next: Entity = { ...truth.get(id), ...part, id, type: 'Vehicle' };
      if (next['line'] === 'urn:ngsi-ld:null') delete next['line'];
      truth.set(id, next);
      folded.set(id, { ...folded.get(id), ...part, id, type: 'Vehicle' });
    }
  }
  return changes(seq, [...folded.values()], [...deleted]);
}

function lcg(seed: number): () => number {
  let s = seed;
  return () => (s = (s * 1664525 + 1013904223) % 4294967296) / 4294967296;
}

describe('apply', () => {
  it('obeys the law: apply(changes, old state) equals a fetch of the new state', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = lcg(seed);
      const truth = new Map<string, Entity>();
      let state = apply(page(0, []), {});
      for (let seq = 1; seq <= 20; seq++) {
        state = apply(randomTick(truth, random, seq), state);
        expect(seen(state)).toEqual(seen(apply(page(seq, [...truth.values()]), {})));
      }
    }
  });

  it('never changes the state it was given', () => {
    const before = apply(page(1, [car(1, { heading: 1 })]), {});
    const copy = structuredClone(seen(before));
    apply(changes(2, [car(1, { heading: 9 })], []), before);
    apply(changes(3, [], [car(1).id]), before);
    expect(seen(before)).toEqual(copy);
  });

  it('shows pages only when the last has come, and keeps changes that fall between', () => {
    let state = apply(page(4, [car(1, { heading: 1 })], false), {});
    expect(state['s1']?.phase).toBe('loading');
    expect(seen(state)).toEqual({});
    state = apply(changes(5, [car(1, { heading: 2 })]), state);
    state = apply(page(5, [car(2)], true), state);
    expect(seen(state)).toEqual({ [car(1).id]: car(1, { heading: 2 }), [car(2).id]: car(2) });
    expect(state['s1']?.phase).toBe('live');
  });

  it('drops a change older than the picture', () => {
    const state = apply(page(7, [car(1, { heading: 7 })]), {});
    expect(apply(changes(6, [car(1, { heading: 6 })]), state)).toBe(state);
  });

  it('a resync keeps the old picture, marked, until the new one is whole', () => {
    let state = apply(page(1, [car(1), car(2)]), {});
    state = apply({ op: 'resync', id: 's1' }, state);
    expect(state['s1']?.phase).toBe('resync');
    expect(Object.keys(seen(state))).toHaveLength(2);
    state = apply(page(9, [car(3)]), state);
    expect(Object.keys(seen(state))).toEqual([car(3).id]);
    expect(state['s1']?.phase).toBe('live');
  });

  it('a line lost between pages leaves nothing of the half picture behind', () => {
    let state = apply(page(1, [car(1)], false), apply(page(0, [car(9)]), {}));
    state = apply({ op: 'resync', id: 's1' }, state);
    state = apply(page(2, [car(2)]), state);
    expect(Object.keys(seen(state))).toEqual([car(2).id]);
  });

  it('an entity that left and came back within one frame is there', () => {
    const state = apply(page(1, [car(1, { line: '4' })]), {});
    expect(seen(apply(changes(2, [car(1, { heading: 3 })], [car(1).id]), state))).toEqual({ [car(1).id]: car(1, { heading: 3 }) });
  });

  it('keeps subscriptions apart', () => {
    const state = apply(page(1, [car(9)], true, 's2'), apply(page(1, [car(1)]), {}));
    expect(Object.keys(seen(apply(changes(2, [], [car(9).id]), state)))).toEqual([car(1).id]);
  });
});
