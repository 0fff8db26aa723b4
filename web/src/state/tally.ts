/** Counts by layer, and what the night officer must know first. Pure. */
import type { Status } from '../api/types';
import type { Connection } from './connection';
import { textOf, type Entity } from './entity';
import { ageOf, isDim } from './freshness';
import { isActive, LAYERS, layerOf, type LayerId } from './layers';
import type { State } from './reducer';

export type Tally = { total: number; stale: number; silent: number; loading: boolean };
export type Tallies = Record<LayerId, Tally>;

export function tally(state: State, cityTime: number | null): Tallies {
  const result = Object.fromEntries(
    LAYERS.map((layer) => {
      const phase = state[layer.subscription]?.phase ?? 'empty';
      return [layer.id, { total: 0, stale: 0, silent: 0, loading: phase === 'empty' || phase === 'loading' }];
    }),
  ) as Tallies;
  for (const entity of entitiesOf(state)) {
    const layer = layerOf(entity);
    if (!layer || !isActive(entity)) continue;
    result[layer].total += 1;
    const { freshness } = ageOf(entity, cityTime);
    if (freshness === 'silent') result[layer].silent += 1;
    else if (isDim({ freshness, age_s: null })) result[layer].stale += 1;
  }
  return result;
}

export function* entitiesOf(state: State): Generator<Entity> {
  for (const part of Object.values(state)) yield* part.entities.values();
}

export type Level = 'ok' | 'watch' | 'alarm' | 'unknown';
export type Cause = { level: Level; key: 'feed' | 'component' | 'app' | 'incident' | 'fallback' | 'sensors' | 'nodata'; name: string; n: number };
export type Verdict = { level: Level; causes: Cause[] };

/** One dead meter is a repair order, not an alarm; a fifth of a layer is worth a look. */
export const STALE_SHARE = 0.2;
const SENSING: readonly LayerId[] = ['flow', 'air', 'noise', 'weather', 'sensor'];
const HEALTHY = new Set(['running', 'ok', 'ready', 'external', 'healthy']);

export function isHealthy(state: string): boolean {
  return HEALTHY.has(state);
}

export function judge(connection: Connection, status: Status | null, state: State, tallies: Tallies): Verdict {
  if (connection.kind === 'connecting') return { level: 'unknown', causes: [] };
  const causes: Cause[] = [];
  if (connection.kind !== 'live') causes.push({ level: 'alarm', key: 'feed', name: '', n: connection.silent_s });
  for (const [name, component] of Object.entries(status?.components ?? {})) {
    if (isHealthy(component.state)) continue;
    const isApp = name.startsWith('app:');
    const level = isApp && component.state === 'stopped' ? 'watch' : 'alarm';
    causes.push({ level, key: isApp ? 'app' : 'component', name: name.replace(/^app:/, ''), n: 1 });
  }
  if (tallies.incident.total) causes.push({ level: 'watch', key: 'incident', name: '', n: tallies.incident.total });
  const fallback = countFallback(state);
  if (fallback) causes.push({ level: 'watch', key: 'fallback', name: '', n: fallback });
  for (const layer of SENSING) {
    const { total, stale, silent } = tallies[layer];
    if (total && (stale + silent) / total >= STALE_SHARE) causes.push({ level: 'watch', key: 'sensors', name: layer, n: stale + silent });
  }
  if (!tallies.signal.loading && !tallies.signal.total) causes.push({ level: 'watch', key: 'nodata', name: 'signal', n: 0 });
  const level = causes.some((c) => c.level === 'alarm') ? 'alarm' : causes.length ? 'watch' : 'ok';
  return { level, causes };
}

function countFallback(state: State): number {
  let count = 0;
  for (const entity of state['signals']?.entities.values() ?? []) if (textOf(entity, 'mode') === 'fallback') count += 1;
  return count;
}
