import { describe, expect, it } from 'vitest';
import { oneOfEachName, pattern, query } from '../src/api/search';
import { frameAt, homography, project } from '../src/map/homography';
import { at, Marks } from '../src/map/marks';
import type { Entity } from '../src/state/entity';
import { apply, type State } from '../src/state/reducer';
import { judge, tally } from '../src/state/tally';

const car = (n: number, lon = 24.94): Entity => ({
  id: `urn:ngsi-ld:Vehicle:x:${n}`, type: 'Vehicle', vehicleType: 'car', heading: 90, location: { type: 'Point', coordinates: [lon, 60.17] },
});
const page = (entities: Entity[]) => ({ op: 'state' as const, id: 'moving', seq: 1, entities, last: true });

describe('homography', () => {
  it('takes the corners where they belong and points between in perspective', () => {
    const from = [[0, 0], [1, 0], [1, 1], [0, 1]] as const;
    const to = [[10, 10], [90, 10], [120, 80], [-20, 80]] as const;
    const h = homography(from, to)!;
    const out = { x: 0, y: 0 };
    from.forEach(([x, y], i) => {
      expect(project(h, x, y, out)).toBe(true);
      expect([out.x, out.y].map((v) => Math.round(v * 1e6) / 1e6)).toEqual([...to[i]!].map((v) => v));
    });
    expect(homography([[0, 0], [1, 1], [2, 2], [3, 3]], to)).toBeNull();
  });
});

describe('marks', () => {
  it('glide between updates and reset after a jump', () => {
    const marks = new Marks(frameAt(24.94, 60.17));
    marks.put(car(1), 0, null);
    marks.put(car(1, 24.9402), 1000, null);
    const mark = marks.find(car(1).id)!;
    const [start] = at(mark, 1000);
    const [middle] = at(mark, 1500);
    const [end] = at(mark, 2000);
    expect(middle).toBeCloseTo((start + end) / 2);
    marks.put(car(1, 25.5), 2100, null);
    expect(at(mark, 2100)[0]).toBe(mark.x1);
  });

  it('with 2,000 vehicles a frame costs what changed, not what exists', () => {
    const marks = new Marks(frameAt(24.94, 60.17));
    let state: State = {};
    const first = page(Array.from({ length: 2000 }, (_, n) => car(n, 24.93 + n * 1e-5)));
    state = apply(first, state);
    marks.take(first, state, 0, null);
    expect(marks.work).toBe(2000);
    const change = { op: 'changes' as const, id: 'moving', seq: 2, entities: Array.from({ length: 150 }, (_, n) => car(n, 24.95)), deleted: [car(1999).id] };
    state = apply(change, state);
    marks.take(change, state, 100, null);
    expect(marks.work).toBe(2150);
    expect(marks.byLayer.get('car')?.size).toBe(1999);
  });

  it('a new picture removes what is no longer there', () => {
    const marks = new Marks(frameAt(24.94, 60.17));
    for (const entities of [[car(1), car(2)], [car(2)]]) marks.take(page(entities), apply(page(entities), {}), 0, null);
    expect(marks.find(car(1).id)).toBeNull();
    expect(marks.find(car(2).id)).not.toBeNull();
  });
});

describe('search', () => {
  it('writes both cases and no special signs', () => {
    expect(pattern(' Kam (pi')).toBe('.*[kK][aA][mM] .[pP][iI].*');
    expect(pattern('시청 1')).toBe('.*시청 1.*');
    expect(new URLSearchParams(query('a"b').split('?')[1]).get('q')).toBe(['name', 'name[@none]', 'name[ko]', 'name[en]'].map((name) => `${name}~=".*[aA].[bB].*"`).join('|'));
  });
});

describe('search results', () => {
  it('show a street once, however many segments it has', () => {
    const street = (n: number, name: string): Entity => ({ id: `urn:ngsi-ld:RoadSegment:x:${n}`, type: 'RoadSegment', name: { languageMap: { fi: name } } });
    expect(oneOfEachName([street(1, 'A'), street(2, 'A'), street(3, 'B')]).map((e) => e.id)).toEqual([street(1, 'A').id, street(3, 'B').id]);
  });
});

describe('judge', () => {
  const status = (states: Record<string, string>) => ({
    city_time: '2026-03-02T05:30:00Z', wall_time: '', counters: {},
    components: Object.fromEntries(Object.entries(states).map(([name, state]) => [name, { state }])),
  });
  const signal: Entity = { id: 'urn:ngsi-ld:TrafficSignalController:x:1', type: 'TrafficSignalController', mode: 'fallback' };
  const live = { kind: 'live' as const, silent_s: 0 };
  const state = apply({ op: 'state', id: 'signals', seq: 1, entities: [{ ...signal, mode: 'app' }], last: true }, {});
  it('is calm only when everything is', () => {
    expect(judge(live, status({ nats: 'running' }), state, tally(state, null)).level).toBe('ok');
    expect(judge(live, status({ nats: 'restarting' }), state, tally(state, null))).toMatchObject({ level: 'alarm', causes: [{ key: 'component', name: 'nats' }] });
    expect(judge(live, status({ 'app:signals': 'stopped' }), state, tally(state, null)).level).toBe('watch');
    expect(judge({ kind: 'stale', silent_s: 7 }, null, state, tally(state, null)).level).toBe('alarm');
    expect(judge({ kind: 'connecting', silent_s: 0 }, null, {}, tally({}, null)).level).toBe('unknown');
  });
  it('a city without signal data is never calm, and fallback is named', () => {
    const none = apply({ op: 'state', id: 'signals', seq: 1, entities: [], last: true }, {});
    expect(judge(live, status({}), none, tally(none, null)).causes[0]).toMatchObject({ key: 'nodata' });
    const fell = apply({ op: 'changes', id: 'signals', seq: 2, entities: [signal] }, state);
    expect(judge(live, status({}), fell, tally(fell, null)).causes).toMatchObject([{ key: 'fallback', n: 1 }]);
  });
});
