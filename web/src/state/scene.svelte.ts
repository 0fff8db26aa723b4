/** What somebody chose of the city in three dimensions: light, sections, measures, bookmarks. */
import { remember, remembered } from '../lib/i18n.svelte';
import type { Point } from '../twin/measure';
import { momentOf, sunAt, type Sun, type SunMoment } from '../twin/sun';
import { live } from './live.svelte';

export type Bookmark = { name: string; hash: string };
const STORE = 'madang.bookmarks';
const BOOKMARKS_MAX = 50;

function kept(): Bookmark[] {
  try {
    const told: unknown = JSON.parse(remembered(STORE) ?? '[]');
    return Array.isArray(told) ? told.filter((one) => typeof one?.name === 'string' && typeof one?.hash === 'string').slice(0, BOOKMARKS_MAX) : [];
  } catch {
    return [];
  }
}

class SceneState {
  /** Local day and minute of the sun that was chosen; null: as it is now. */
  day = $state<string | null>(null);
  minute = $state(720);
  /** Where the sun stands on that day, as the city told it. */
  path = $state.raw<readonly SunMoment[]>([]);
  shadows = $state(true);
  opacity = $state(1);
  cut_m = $state<number | null>(null);
  walking = $state(false);
  measuring = $state(false);
  points = $state.raw<readonly Point[]>([]);
  /** Where the middle of the map is. */
  middle = $state.raw<{ longitude: number; latitude: number } | null>(null);
  /** Buildings that are drawn, and whether all that should be is. */
  drawn = $state(0);
  settled = $state(false);
  failure = $state('');
  /** What the address says; moves with the map. */
  hash = $state('');
  bookmarks = $state.raw<readonly Bookmark[]>(kept());

  /** Null until the city told the day. */
  get sun(): Sun | null {
    const at = this.day === null ? live.cityTime : momentOf(this.path, this.minute);
    return at === null ? null : sunAt(this.path, at);
  }

  mark(name: string): void {
    this.#keep([{ name, hash: this.hash }, ...this.bookmarks.filter((one) => one.name !== name)].slice(0, BOOKMARKS_MAX));
  }

  unmark(name: string): void {
    this.#keep(this.bookmarks.filter((one) => one.name !== name));
  }

  #keep(bookmarks: Bookmark[]): void {
    this.bookmarks = bookmarks;
    remember(STORE, JSON.stringify(bookmarks));
  }
}

export const scene = new SceneState();
