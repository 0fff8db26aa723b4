/** The page at another time: asks for the past a little ahead of what is shown, and plays it as if it happened now. */
import { get } from '../api/http';
import { commands } from '../state/commands.svelte';
import { live } from '../state/live.svelte';
import { due, framesOf, merged, timeIn, TYPES, windowOf, type Part, type Scene, type Told } from './film';

const TICK_MS = 250;
const ASKED = `types=${TYPES.join(',')}`;

export type Mode = 'live' | 'loading' | 'playing' | 'paused';

class Replay {
  mode = $state<Mode>('live');
  since = $state(0);
  until = $state(0);
  cursor = $state(0);
  speed = $state(1);
  failure = $state('');
  /** ms from pressing play to the first picture. */
  started_ms = $state<number | null>(null);
  #changes: readonly Told[] = [];
  #asked_until = 0;
  #asking = false;
  #plays = false;
  #generation = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #last = 0;

  async measure(): Promise<void> {
    try {
      const span = await get<{ since: string; until: string }>('/madang/v1/replay/span');
      [this.since, this.until] = [Date.parse(span.since), Date.parse(span.until)];
      if (this.mode === 'live') this.cursor = this.until;
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** Go to a moment and show it; it plays on if it was playing. */
  async seek(moment: number): Promise<void> {
    const generation = ++this.#generation;
    // Keys seek again before the picture is there: what it was to do then still counts.
    if (this.mode !== 'loading') this.#plays = this.mode !== 'paused';
    const began = performance.now();
    live.freeze();
    [this.mode, this.failure, this.cursor] = ['loading', '', Math.min(this.until, Math.max(this.since, moment))];
    try {
      const at = new Date(this.cursor).toISOString();
      const scene = await get<Scene>(`/madang/v1/replay/state?${ASKED}&at=${at}`);
      if (generation !== this.#generation) return;
      live.play(framesOf(scene), timeIn(scene.entities) ?? this.#guess());
      [this.#changes, this.#asked_until, this.#asking] = [[], this.cursor, false];
      this.started_ms = Math.round(performance.now() - began);
      this.#follow();
      if (this.#plays) this.play();
      else this.mode = 'paused';
    } catch (error) {
      if (generation !== this.#generation) return;
      this.failure = error instanceof Error ? error.message : String(error);
      this.mode = 'paused';
    }
  }

  play(): void {
    this.mode = 'playing';
    this.#last = performance.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#step(), TICK_MS);
    void this.#fetch();
  }

  pause(): void {
    this.mode = 'paused';
    clearInterval(this.#timer);
  }

  /** Back to the present, which went on meanwhile. */
  leave(): void {
    this.#generation += 1;
    clearInterval(this.#timer);
    this.mode = 'live';
    this.#changes = [];
    live.resume();
    this.#follow();
    void this.measure();
  }

  #step(): void {
    const now = performance.now();
    const wanted = this.cursor + (now - this.#last) * this.speed;
    this.#last = now;
    // What has not come yet is waited for: time stands still rather than leave something out.
    this.cursor = Math.min(wanted, this.#asked_until, this.until);
    const { frames, left } = due(this.#changes, this.cursor);
    this.#changes = left;
    if (frames.length) live.play(merged(frames), timeIn(frames.flatMap((frame) => frame.entities)));
    this.#follow();
    if (this.cursor >= this.until) this.leave();
    else void this.#fetch();
  }

  async #fetch(): Promise<void> {
    const { length_s, every_s } = windowOf(this.speed);
    if (this.#asking || this.#asked_until >= this.until || this.#asked_until - this.cursor > (length_s * 1000) / 2) return;
    this.#asking = true;
    const generation = this.#generation;
    const [since, until] = [this.#asked_until, Math.min(this.until, this.#asked_until + length_s * 1000)];
    try {
      const span = `since=${new Date(since).toISOString()}&until=${new Date(until).toISOString()}`;
      const part = await get<Part>(`/madang/v1/replay?${ASKED}&${span}&every_s=${every_s}`);
      if (generation !== this.#generation) return;
      this.#changes = [...this.#changes, ...part.changes];
      this.#asked_until = Math.max(since + 1, Date.parse(part.until));
      this.failure = '';
    } catch (error) {
      if (generation === this.#generation) this.failure = error instanceof Error ? error.message : String(error);
    } finally {
      if (generation === this.#generation) this.#asking = false;
    }
  }

  /** The city's time at the cursor, where nothing told it yet: its clock has run evenly since. */
  #guess(): number {
    const told = Date.parse(live.status?.city_time ?? '') || Date.now();
    return told - (Date.now() - this.cursor) * (live.status?.speed ?? 1);
  }

  /** The commands beside the map are those of that moment. */
  #follow(): void {
    commands.until = this.mode === 'live' ? null : this.cursor;
  }
}

export const replay = new Replay();
