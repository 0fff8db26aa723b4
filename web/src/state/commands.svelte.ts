/** The latest commands, asked for again every two seconds while the page is looked at. */
import { listCommands } from '../api/madang';
import type { CommandRow } from '../api/types';

const EVERY_MS = 2_000;

class Commands {
  rows = $state.raw<CommandRow[] | null>(null);
  filter = $state('');
  failure = $state('');
  /** Of the past that is shown, in ms; null: the latest. */
  until: number | null = null;

  watch(): () => void {
    void this.load();
    const timer = setInterval(() => document.visibilityState === 'visible' && void this.load(), EVERY_MS);
    return () => clearInterval(timer);
  }

  choose(filter: string): void {
    this.filter = filter;
    void this.load();
  }

  async load(): Promise<void> {
    const asked = this.filter;
    try {
      const rows = await listCommands(asked || undefined, this.until);
      if (asked === this.filter) [this.rows, this.failure] = [rows, ''];
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }
}

export const commands = new Commands();
