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
  attributes?: string[];
  area?: unknown;
  purpose?: string;
  retention_s?: number;
  rank?: string;
};
export type AppInfo = { id: string; name: Names; state: string; sandbox: string; grants: Grant[] };
export type Receipt = { id: string; status: string; reason?: string | null };
export type CommandRow = Receipt & { at?: string; by?: string; kind: string; target: string; why?: string };
export type DeadLetter = { at: string; source: string; reason: string; payload: string };
