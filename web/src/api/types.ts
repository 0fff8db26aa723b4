/** The management answers of docs/ARCHITECTURE.md. */

export type Names = { ko?: string; en?: string };
export type City = {
  id: string;
  name: Names;
  timezone: string;
  bbox: [number, number, number, number];
  attribution: string;
  tiles: string;
  simulated: boolean;
  /** Whether who asks may read incidents. */
  incidents: boolean;
};

export type Component = { state: string; since?: string; restarts?: number; detail?: string };
export type Counters = Partial<
  Record<
    | 'entities' | 'observations' | 'observations_per_s' | 'dead_letters' | 'commands_accepted'
    | 'commands_refused' | 'subscriptions' | 'latency_ms_p95',
    number | null
  >
>;
export type Status = {
  city_time: string;
  wall_time: string;
  seed?: number;
  speed?: number;
  simulated?: boolean;
  components: Record<string, Component>;
  counters: Counters;
};

export type Grant = string | {
  action?: string;
  type?: string;
  kind?: string;
  attributes?: string[] | null;
  purpose?: Names | string;
  rank?: string;
};
export type AppInfo = { id: string; name: Names; state: string; sandbox: number | string; grants: Grant[]; reasons?: Record<string, Names> };
export type Parameters = Record<string, string | number>;
/** `reason` is a code and `parameters` what its text needs; `detail` says it in English. */
export type Receipt = { id: string; status: string; reason?: string | null; parameters?: Parameters; detail?: string | null };
/** A person's own words, or a code whose texts stand in the manifest of the app that asked. */
export type Why = string | { code: string; parameters?: Parameters };
/** `who` asked and `why`, `by` answered (arbiter, interlock, device, service). */
export type CommandRow = Receipt & { at?: string; who?: string; by?: string; kind: string; target: string; why?: Why };
export type IncidentRow = {
  id: number;
  kind: string;
  severity: string;
  title: string;
  state: 'open' | 'acknowledged' | 'resolved';
  location: { type: 'Point'; coordinates: [number, number] } | null;
  openedAt: string;
  acknowledgeBy: string;
  resolveBy: string;
};
export type DeadLetter = { at: string; source: string; reason: string; payload: string };
