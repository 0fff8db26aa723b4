/** Live, stale or reconnecting: decided from clocks alone. Pure. */

export const SILENCE_MAX_MS = 5_000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;

export type Link = 'connecting' | 'open' | 'closed';
export type Connection = { kind: 'connecting' | 'live' | 'stale' | 'reconnecting'; silent_s: number };

/** Before the first frame the silence counts from the start: a line that never opens is a fault too. */
export function connectionOf(link: Link, lastFrame: number | null, now: number, started = 0): Connection {
  const silent_ms = Math.max(0, now - (lastFrame ?? started));
  const silent_s = Math.floor(silent_ms / 1000);
  const silent = silent_ms >= SILENCE_MAX_MS;
  if (lastFrame === null && !silent) return { kind: 'connecting', silent_s };
  if (link !== 'open') return { kind: 'reconnecting', silent_s };
  return { kind: silent ? 'stale' : 'live', silent_s };
}

/** Full jitter between half and the whole of a doubling wait; chance is an argument. */
export function backoffMs(attempt: number, random: number): number {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(whole / 2 + (random * whole) / 2);
}
