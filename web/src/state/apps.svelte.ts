/** The installed apps, asked for again every five seconds while the page is looked at. */
import { listApps } from '../api/madang';
import type { AppInfo } from '../api/types';

const EVERY_MS = 5_000;

class Apps {
  rows = $state.raw<AppInfo[] | null>(null);
  failure = $state('');

  watch(): () => void {
    void this.load();
    const timer = setInterval(() => document.visibilityState === 'visible' && void this.load(), EVERY_MS);
    return () => clearInterval(timer);
  }

  async load(): Promise<void> {
    try {
      [this.rows, this.failure] = [await listApps(), ''];
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }
}

export const apps = new Apps();
