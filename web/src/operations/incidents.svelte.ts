/** What is going on, asked for again every two seconds while the page is looked at. */
import { listIncidents, takeIncident } from '../api/madang';
import type { IncidentRow } from '../api/types';

const EVERY_MS = 2_000;

class Incidents {
  rows = $state.raw<IncidentRow[] | null>(null);
  now = $state(Date.now());
  failure = $state('');

  watch(): () => void {
    void this.load();
    const timer = setInterval(() => document.visibilityState === 'visible' && void this.load(), EVERY_MS);
    return () => clearInterval(timer);
  }

  async load(): Promise<void> {
    try {
      [this.rows, this.now, this.failure] = [await listIncidents(), Date.now(), ''];
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async take(id: number): Promise<void> {
    try {
      await takeIncident(id);
      await this.load();
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }
}

export const incidents = new Incidents();
