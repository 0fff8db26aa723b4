import { describe, expect, it } from 'vitest';
import { decode, encode, type Look } from '../src/state/place';
import { acrossOf, measure } from '../src/twin/measure';
import { daylight, directionOf, momentOf, sunAt } from '../src/twin/sun';
import { move, openNear, step, type Stand } from '../src/twin/walk';

const look: Look = {
  view: 'scene', longitude: 24.9445, latitude: 60.169, zoom: 16.4, bearing: -20, pitch: 62, selected: 'urn:ngsi-ld:Building:helsinki:w1', day: '2026-06-21', minute: 1020,
  opacity: 0.5, cut_m: 15,
};

describe('a link', () => {
  it('says what is looked at, and says it back', () => {
    expect(decode(`#${encode(look)}`)).toEqual(look);
  });
  it('leaves out what is as it always is', () => {
    const plain: Look = { ...look, selected: null, day: null, opacity: 1, cut_m: null };
    expect(Object.keys(decode(encode(plain))).sort()).toEqual(['bearing', 'latitude', 'longitude', 'pitch', 'view', 'zoom']);
  });
  it.each(['', '#v=evil', '#at=1,2', '#at=a,b,c,d,e', '#at=999,1,1,1,1', '#sun=2026-06-21T9999', '#sun=x', '#o=7', '#o=', '#cut=-1'])('is passed over where it is wrong: %s', (hash) => {
    expect(decode(hash)).toEqual({});
  });
});

describe('the sun', () => {
  const path = [
    { at: '2026-06-20T21:00:00Z', azimuth: 350, elevation: -6 },
    { at: '2026-06-20T21:10:00Z', azimuth: 354, elevation: -4 },
    { at: '2026-06-20T21:20:00Z', azimuth: 2, elevation: 0 },
  ];
  it('goes from one told moment to the next, over north too', () => {
    expect(sunAt(path, Date.parse('2026-06-20T21:05:00Z'))).toEqual({ azimuth: 352, elevation: -5 });
    expect(sunAt(path, Date.parse('2026-06-20T21:17:30Z'))).toEqual({ azimuth: 0, elevation: -1 });
  });
  it('stays at the ends of the path', () => {
    expect([sunAt(path, 0), sunAt(path, 1e14), sunAt([], 0)]).toEqual([{ azimuth: 350, elevation: -6 }, { azimuth: 2, elevation: 0 }, null]);
  });
  it('lights by its elevation and shines from its direction', () => {
    expect([-6, 0, 6, 40].map((elevation) => daylight({ azimuth: 0, elevation }))).toEqual([0, 0.5, 1, 1]);
    const [east, north, up] = directionOf({ azimuth: 90, elevation: 30 });
    expect([east, north, up].map((one) => Math.round(one * 1e6) / 1e6)).toEqual([0.866025, 0, 0.5]);
  });
  it('counts minutes from local midnight', () => {
    expect([momentOf(path, 10), momentOf([], 10)]).toEqual([Date.parse('2026-06-20T21:10:00Z'), null]);
  });
});

describe('a measure', () => {
  const a = { longitude: 127, latitude: 37.5, height_m: 0 };
  const b = { longitude: 127, latitude: 37.5009, height_m: 30 };
  it('is a degree of latitude in 111.195 km on the sphere', () => {
    expect(acrossOf(a, { ...a, latitude: 38.5 })).toBeCloseTo(111_195.08, 1);
  });
  it('goes along all points, in the air', () => {
    const { length_m, across_m, rise_m } = measure([a, b, a]);
    expect([across_m, rise_m]).toEqual([2 * acrossOf(a, b), 0]);
    expect(length_m).toBeCloseTo(2 * Math.hypot(acrossOf(a, b), 30), 9);
  });
  it('of fewer than two points is nothing', () => {
    expect([measure([]), measure([a])]).toEqual([{ length_m: 0, across_m: 0, rise_m: 0 }, { length_m: 0, across_m: 0, rise_m: 0 }]);
  });
});

describe('walking', () => {
  const stand: Stand = { longitude: 127, latitude: 37.5, heading: 90, tilt: 0 };
  it('goes where one looks, and back', () => {
    const there = step(stand, 'ArrowUp')!;
    expect(acrossOf({ ...stand, height_m: 0 }, { ...there, height_m: 0 })).toBeCloseTo(2, 2);
    expect([there.longitude > stand.longitude, step(there, 's')!.longitude]).toEqual([true, expect.closeTo(127, 9)]);
  });
  it('turns round once and tilts only so far', () => {
    expect([step(stand, 'ArrowLeft')!.heading, step({ ...stand, heading: 357 }, 'ArrowRight')!.heading]).toEqual([84, 3]);
    expect(step({ ...stand, tilt: 40 }, 'PageUp')!.tilt).toBe(40);
  });
  it('knows its keys only', () => {
    expect([step(stand, 'x'), step(stand, 'Enter'), step(stand, 'W')]).toEqual([null, null, move(stand, 90, 2, 0)]);
  });
  it('begins where there is room', () => {
    const found = openNear(stand, (longitude) => longitude > 127.0003)!;
    expect(acrossOf({ ...stand, height_m: 0 }, { ...found, height_m: 0 })).toBeLessThan(45);
    expect(openNear(stand, () => false)).toBeNull();
  });
});
