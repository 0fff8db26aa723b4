/** What the app is worth: the live run against the same seed without it, at the same simulated moment. Pure. */
import { numberOf, valueOf, type Entity } from './entity';

export const TRIPS_MIN = 50;
export const SERIES_MAX = 720;
/** The run that is ahead waits for the other; beyond this gap the comparison says which one stopped. */
export const GAP_MAX_S = 120;

export type Sample = { at_s: number; delay_s: number | null; recent_s: number | null; trips: number; running: number; teleports: number };
export type Comparison =
  | { kind: 'empty' }
  | { kind: 'waiting'; trips: number; gap_s: number }
  | { kind: 'ready'; at_s: number; live: Sample; fixed: Sample; saved_s: number; saved_percent: number; saved_h: number; gap_s: number };

export function sampleOf(entity: Entity): Sample | null {
  const at_s = simulatedSeconds(valueOf(entity, 'simulatedTime'));
  if (at_s === null) return null;
  return {
    at_s,
    delay_s: numberOf(entity, 'kpiValue'),
    recent_s: numberOf(entity, 'delayRecent'),
    trips: numberOf(entity, 'vehicles') ?? 0,
    running: numberOf(entity, 'running') ?? 0,
    teleports: numberOf(entity, 'teleports') ?? 0,
  };
}

function simulatedSeconds(value: unknown): number | null {
  if (typeof value === 'number') return value;
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? null : time / 1000;
}

/** One sample a simulated moment, bounded; a clock that runs backwards is a new run and starts the series anew. */
export function append(series: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = series[series.length - 1];
  if (last && sample.at_s < last.at_s) return [sample];
  const kept = last && sample.at_s === last.at_s ? series.slice(0, -1) : series;
  return [...kept, sample].slice(-SERIES_MAX);
}

export function atOrBefore(series: readonly Sample[], at_s: number): Sample | null {
  for (let i = series.length - 1; i >= 0; i--) {
    const sample = series[i];
    if (sample && sample.at_s <= at_s) return sample;
  }
  return null;
}

export function compare(live: readonly Sample[], fixed: readonly Sample[]): Comparison {
  const a = live[live.length - 1];
  const b = fixed[fixed.length - 1];
  if (!a || !b) return { kind: 'empty' };
  const at_s = Math.min(a.at_s, b.at_s);
  const gap_s = Math.abs(a.at_s - b.at_s);
  const mine = atOrBefore(live, at_s);
  const theirs = atOrBefore(fixed, at_s);
  const trips = Math.min(mine?.trips ?? a.trips, theirs?.trips ?? b.trips);
  if (!mine || !theirs || mine.delay_s === null || theirs.delay_s === null || theirs.delay_s <= 0 || trips < TRIPS_MIN)
    return { kind: 'waiting', trips, gap_s };
  const saved_s = theirs.delay_s - mine.delay_s;
  return {
    kind: 'ready', at_s, live: mine, fixed: theirs, saved_s, gap_s,
    saved_percent: (100 * saved_s) / theirs.delay_s,
    saved_h: (saved_s * mine.trips) / 3600,
  };
}

/** Both series on one axis of simulated time, for the plot: gaps are null, never joined up by guess. */
export function aligned(live: readonly Sample[], fixed: readonly Sample[]): [number[], (number | null)[], (number | null)[]] {
  const a = new Map(live.map((s) => [s.at_s, s.recent_s]));
  const b = new Map(fixed.map((s) => [s.at_s, s.recent_s]));
  const at = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y);
  return [at, at.map((t) => a.get(t) ?? null), at.map((t) => b.get(t) ?? null)];
}
