/** Management calls, one function each. */
import { get, post } from './http';
import type { AppInfo, City, CommandRow, DeadLetter, IncidentRow, Receipt, Status } from './types';

export const COMMANDS_SHOWN = 50;
const INCIDENTS_PATIENCE_MS = 2_500;
export type Injection = 'rain' | 'accident' | 'event' | 'clear';

export const getCity = () => get<City>('/madang/v1/city');
export const getStatus = () => get<Status>('/madang/v1/status');
export const listApps = () => get<AppInfo[]>('/madang/v1/apps');
export const listDeadLetters = () => get<DeadLetter[]>('/madang/v1/deadletters');

/** Not waited for longer than people on duty may be left with what is old. */
export const listIncidents = () => get<IncidentRow[]>('/madang/v1/incidents', AbortSignal.timeout(INCIDENTS_PATIENCE_MS));
export const takeIncident = (id: number) => post<IncidentRow>(`/madang/v1/incidents/${id}/acknowledge`);

export function switchApp(id: string, on: boolean): Promise<unknown> {
  return post(`/madang/v1/apps/${encodeURIComponent(id)}/${on ? 'start' : 'stop'}`);
}

export function listCommands(status?: string, until: number | null = null): Promise<CommandRow[]> {
  const filter = status ? `&status=${encodeURIComponent(status)}` : '';
  const moment = until === null ? '' : `&until=${new Date(until).toISOString()}`;
  return get<CommandRow[]>(`/madang/v1/commands?limit=${COMMANDS_SHOWN}${filter}${moment}`);
}

export function inject(city: string, what: Injection): Promise<Receipt> {
  return post<Receipt>('/madang/v1/commands', {
    kind: `simulation.${what}`,
    target: `urn:ngsi-ld:Simulation:${city}:field`,
    value: {},
    reason: { code: 'injected' },
  });
}
