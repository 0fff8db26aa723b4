import { describe, expect, it } from 'vitest';
import { aligned, append, compare, sampleOf, type Sample } from '../src/state/benefit';
import { backoffMs, connectionOf } from '../src/state/connection';
import { newestOf, numberOf, placeOf, textOf, valueOf, type Entity } from '../src/state/entity';
import { ageOf } from '../src/state/freshness';
import en from '../src/strings/en.json';
import ko from '../src/strings/ko.json';

const air: Entity = {
  id: 'urn:ngsi-ld:AirQualityObserved:x:1', type: 'AirQualityObserved',
  pm25: { value: 12.5, unitCode: 'GQ', observedAt: '2026-03-02T07:30:00Z' },
  name: { languageMap: { ko: '역', en: 'Station' } },
  location: { type: 'Point', coordinates: [24.94, 60.17] },
};
const now = Date.parse('2026-03-02T07:40:00Z');
const sample = (at_s: number, delay_s: number, trips = 100): Sample => ({ at_s, delay_s, recent_s: delay_s, trips, running: 1, teleports: 0 });

describe('entity', () => {
  it('reads bare and wrapped values alike', () => {
    expect(numberOf(air, 'pm25')).toBe(12.5);
    expect(numberOf({ ...air, pm25: 3 }, 'pm25')).toBe(3);
    expect(textOf(air, 'name', 'ko')).toBe('역');
    expect(placeOf(air)).toEqual([24.94, 60.17]);
    expect(placeOf({ ...air, location: { value: { type: 'LineString', coordinates: [[1, 2], [3, 6]] } } })).toEqual([2, 4]);
    expect(placeOf({ ...air, location: { type: 'Point', coordinates: ['x', null] } })).toBeNull();
    expect(valueOf(air, 'missing')).toBeUndefined();
    expect(newestOf(air)).toBe(Date.parse('2026-03-02T07:30:00Z'));
  });
});

describe('freshness', () => {
  it('is measured on the city clock, per type', () => {
    expect(ageOf(air, now)).toEqual({ freshness: 'fresh', age_s: 600 });
    expect(ageOf(air, now + 3600_000).freshness).toBe('stale');
    expect(ageOf(air, now - 3600_000).freshness).toBe('ahead');
    expect(ageOf({ id: 'a', type: 'NoiseLevelObserved', LAeq: 50 }, now).freshness).toBe('silent');
    expect(ageOf({ id: 'a', type: 'PublicTransportStop' }, now).freshness).toBe('timeless');
  });
});

describe('connection', () => {
  it('is stale after five silent seconds and says for how long', () => {
    expect(connectionOf('open', 1000, 5999)).toEqual({ kind: 'live', silent_s: 4 });
    expect(connectionOf('open', 1000, 6000)).toEqual({ kind: 'stale', silent_s: 5 });
    expect(connectionOf('closed', 1000, 9000)).toEqual({ kind: 'reconnecting', silent_s: 8 });
    expect(connectionOf('connecting', null, 9000, 8000).kind).toBe('connecting');
    expect(connectionOf('connecting', null, 9000, 1000)).toEqual({ kind: 'reconnecting', silent_s: 8 });
    expect(connectionOf('open', null, 9000, 1000).kind).toBe('stale');
  });
  it('backs off by doubling to a ceiling, never at once', () => {
    expect([0, 1, 2, 9, 99].map((n) => backoffMs(n, 1))).toEqual([500, 1000, 2000, 15000, 15000]);
    expect(backoffMs(0, 0)).toBe(250);
  });
});

describe('benefit', () => {
  it('compares equal simulated times, not the latest of each', () => {
    const live = [sample(100, 60), sample(200, 80)];
    const result = compare(live, [sample(100, 75)]);
    expect(result).toMatchObject({ kind: 'ready', at_s: 100, saved_s: 15, saved_percent: 20, gap_s: 100 });
    expect(result.kind === 'ready' && result.saved_h).toBeCloseTo((15 * 100) / 3600);
  });
  it('says nothing before enough trips ended', () => {
    expect(compare([], [])).toEqual({ kind: 'empty' });
    expect(compare([sample(1, 60, 10)], [sample(1, 70, 90)])).toEqual({ kind: 'waiting', trips: 10, gap_s: 0 });
    expect(compare([sample(9, 60)], [sample(1, 70)])).toMatchObject({ kind: 'waiting', gap_s: 8 });
  });
  it('starts anew when the clock runs backwards and keeps gaps as gaps', () => {
    expect(append([sample(5, 1)], sample(2, 1))).toHaveLength(1);
    expect(append([sample(5, 1)], sample(5, 2))).toEqual([sample(5, 2)]);
    expect(aligned([sample(1, 4), sample(3, 5)], [sample(1, 6), sample(2, 7)])).toEqual([[1, 2, 3], [4, null, 5], [6, 7, null]]);
    expect(sampleOf({ id: 'k', type: 'KeyPerformanceIndicator', kpiValue: 3, simulatedTime: '1970-01-01T00:01:00Z' })).toMatchObject({ at_s: 60, delay_s: 3, recent_s: null });
  });
});

describe('strings', () => {
  it('Korean and English have the same keys and placeholders', () => {
    expect(Object.keys(ko)).toEqual(Object.keys(en));
    const holes = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();
    for (const [key, text] of Object.entries(en)) {
      expect(holes((ko as Record<string, string>)[key] ?? ''), key).toEqual(holes(text));
      expect(text.trim(), key).not.toBe('');
      expect((ko as Record<string, string>)[key]?.trim(), key).not.toBe('');
    }
  });
});
