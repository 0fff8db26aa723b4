import { describe, expect, it } from 'vitest';
import type { Entity } from '../src/state/entity';
import { apply, type ChangesFrame, type State } from '../src/state/reducer';
import { due, framesOf, merged, timeIn, TYPES, windowOf, type Told } from '../src/time/film';

const AT = (second: number) => `2026-06-01T00:00:${String(second).padStart(2, '0')}.000Z`;
const car = (name: string, speed: number | null): Entity => ({ id: `urn:ngsi-ld:Vehicle:x:${name}`, type: 'Vehicle', speed });
const told = (seq: number, op: string, entity: Entity): Told => ({ seq, op, at: AT(seq), entity });

/** A small city's minute: comes, moves, loses a value, goes, comes back. */
const FILM: Told[] = [
  told(1, 'c', car('a', 10)),
  told(2, 'c', car('b', 20)),
  told(3, 'u', car('a', 11)),
  told(4, 'd', car('b', null)),
  told(5, 'u', car('a', null)),
  told(6, 'c', car('b', 5)),
  told(7, 'u', { id: 'urn:ngsi-ld:TrafficSignalController:x:s', type: 'TrafficSignalController', stage: 2 }),
  told(8, 'u', { id: 'urn:ngsi-ld:Building:x:1', type: 'Building', height: 3 }),
];

const shown = (frames: readonly ChangesFrame[], from: State = {}) => frames.reduce((state, frame) => apply(frame, state), from);
const plain = (state: State) => Object.fromEntries(Object.entries(state).map(([id, part]) => [id, Object.fromEntries(part.entities)]));

describe('film', () => {
  it('plays what is due and keeps the rest', () => {
    const { frames, left } = due(FILM, Date.parse(AT(3)));
    expect([frames.length, left.map((one) => one.seq)]).toEqual([3, [4, 5, 6, 7, 8]]);
    expect(due(left, Date.parse(AT(3))).left).toBe(left);
  });

  it('shows the same whether frames are merged or not, wherever it is cut', () => {
    for (let cut = 0; cut <= FILM.length; cut += 1) {
      const first = due(FILM, Date.parse(AT(cut)));
      const second = due(first.left, Date.parse(AT(59)));
      const one_by_one = shown([...first.frames, ...second.frames]);
      const at_once = shown(merged(second.frames), shown(merged(first.frames)));
      expect(plain(at_once)).toEqual(plain(one_by_one));
    }
    expect(Object.keys(plain(shown(due(FILM, Infinity).frames))['moving']!)).toHaveLength(2);
  });

  it('clears what was not there then', () => {
    const before = shown(due(FILM, Infinity).frames);
    const after = framesOf({ at: AT(0), entities: [car('c', 1)] }).reduce((state, frame) => apply(frame, state), before);
    expect(Object.keys(plain(after)['moving']!)).toEqual(['urn:ngsi-ld:Vehicle:x:c']);
    expect(plain(after)['signals']).toEqual({});
  });

  it('asks for what moves, and for more of it the faster it plays', () => {
    expect(TYPES).toContain('Vehicle');
    expect(TYPES).not.toContain('PublicTransportStop');
    expect([1, 5, 20, 60].map(windowOf)).toEqual([
      { length_s: 20, every_s: 0 },
      { length_s: 60, every_s: 1.25 },
      { length_s: 240, every_s: 5 },
      { length_s: 600, every_s: 15 },
    ]);
  });

  it("tells the devices' time", () => {
    const seen = { ...car('a', 1), heading: { value: 3, observedAt: AT(7) } };
    expect([timeIn([seen, car('b', 2)]), timeIn([])]).toEqual([Date.parse(AT(7)), null]);
  });
});
