/** The service level of an incident, counted down as somebody looks. Pure. */
import type { IncidentRow } from '../api/types';

export type Limit = { what: 'acknowledge' | 'resolve'; minutes: number; late: boolean };

/** The limit that comes next, in whole minutes that have begun. `now`: milliseconds of the epoch. */
export function limitOf(row: IncidentRow, now: number): Limit {
  const what = row.state === 'open' ? 'acknowledge' : 'resolve';
  const left_ms = Date.parse(what === 'acknowledge' ? row.acknowledgeBy : row.resolveBy) - now;
  return { what, minutes: Math.ceil(Math.abs(left_ms) / 60_000), late: left_ms < 0 };
}

export function placeOf(row: IncidentRow): [number, number] | null {
  return row.location?.coordinates ?? null;
}
