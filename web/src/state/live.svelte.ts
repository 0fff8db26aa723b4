/** The live city as the page holds it: one socket, one reducer, snapshots for the panels twice a second. */
import { get } from '../api/http';
import { getCity, getStatus } from '../api/madang';
import { CitySocket, type Frame } from '../api/socket';
import type { City, Status } from '../api/types';
import { append, compare, sampleOf, type Sample } from './benefit';
import { connectionOf, type Link } from './connection';
import { localId, type Entity } from './entity';
import { KPI_SUBSCRIPTION, LAYERS, subscriptions } from './layers';
import { apply, type EntityFrame, type State } from './reducer';
import { tally } from './tally';

const SNAPSHOT_MS = 500;
const OTHER_TYPES_MAX = 20;
type Listener = (frame: EntityFrame, state: State) => void;

class Live {
  city = $state.raw<City | null>(null);
  failure = $state('');
  status = $state.raw<Status | null>(null);
  parts = $state.raw<State>({});
  live = $state.raw<readonly Sample[]>([]);
  fixed = $state.raw<readonly Sample[]>([]);
  resyncs = $state(0);
  readonly #started = performance.now();
  #link = $state<Link>('connecting');
  #now = $state(performance.now());
  #lastFrame = $state<number | null>(null);
  #played = $state<number | null>(null);
  connection = $derived(connectionOf(this.#link, this.#lastFrame, this.#now, this.#started));
  /** Of what is shown: the devices' own while the past is played. */
  cityTime = $derived(this.#played ?? timeOf(this.status));
  past = $derived(this.#played !== null);
  comparison = $derived(compare(this.live, this.fixed));
  tallies = $derived(tally(this.parts, this.cityTime));

  #state: State = {};
  /** The present, going on unseen while the past is shown. */
  #behind: State | null = null;
  #lastFrameNow: number | null = null;
  #listeners = new Set<Listener>();
  #socket = new CitySocket({ frame: (frame) => this.#take(frame), link: (link) => this.#linked(link) });

  /** The state this very moment; panels read `parts`, the snapshot. */
  get current(): State {
    return this.#state;
  }

  async start(): Promise<void> {
    this.#socket.start(subscriptions());
    setInterval(() => this.#snapshot(), SNAPSHOT_MS);
    void this.#load();
    void this.#findOtherTypes();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  find(id: string): Entity | null {
    for (const part of Object.values(this.#state)) {
      const entity = part.entities.get(id);
      if (entity) return entity;
    }
    return null;
  }

  /** From now on frames of a film are shown; the present goes on behind it. */
  freeze(): void {
    this.#behind ??= this.#state;
    this.#played ??= this.cityTime ?? Date.now();
  }

  /** Frames of the past, and the city's time in them. */
  play(frames: readonly EntityFrame[], moment: number | null): void {
    if (!this.#behind) return;
    this.#played = moment ?? this.#played;
    for (const frame of frames) this.#show(frame);
    this.#snapshot();
  }

  /** Shows the present again, whole. */
  resume(): void {
    if (!this.#behind) return;
    const present = this.#behind;
    [this.#behind, this.#played] = [null, null];
    for (const [id, part] of Object.entries(present)) {
      const entities = [...part.entities.values()];
      this.#show({ op: 'state', id, seq: part.seq, entities, first: true, last: true });
    }
    this.#state = present;
    this.#snapshot();
  }

  #show(frame: EntityFrame): void {
    this.#state = apply(frame, this.#state);
    for (const listener of this.#listeners) listener(frame, this.#state);
  }

  async #load(): Promise<void> {
    for (let wait_ms = 500; !this.city; wait_ms = Math.min(wait_ms * 2, 10_000)) {
      try {
        this.city = await getCity();
        this.failure = '';
        this.status ??= await getStatus();
      } catch (error) {
        this.failure = error instanceof Error ? error.message : String(error);
        await new Promise((done) => setTimeout(done, wait_ms));
      }
    }
  }

  /** Sensors of types nobody foresaw are shown too, when the broker can list its types. */
  async #findOtherTypes(): Promise<void> {
    const known = new Set([...LAYERS.flatMap((layer) => layer.types), 'KeyPerformanceIndicator']);
    const answer = await get<{ typeList?: unknown }>('/ngsi-ld/v1/types').catch(() => null);
    const listed = Array.isArray(answer?.typeList) ? answer.typeList.map(String) : [];
    const types = listed.filter((type) => /Observed$|^Device$/.test(type) && !known.has(type)).slice(0, OTHER_TYPES_MAX);
    if (types.length) this.#socket.subscribe({ id: 'others-found', types });
  }

  /** Pages that were under way when the line went are worth nothing: the next state starts from an empty page. */
  #linked(link: Link): void {
    this.#link = link;
    if (link !== 'closed') return;
    const lost = (state: State) => Object.keys(state).reduce((was, id) => apply({ op: 'resync', id }, was), state);
    if (this.#behind) this.#behind = lost(this.#behind);
    else this.#state = lost(this.#state);
  }

  #take(frame: Frame): void {
    this.#lastFrameNow = performance.now();
    if (this.#lastFrame === null || this.connection.kind !== 'live') this.#snapshot();
    if (frame.op === 'status') this.status = frame as unknown as Status;
    if (frame.op !== 'state' && frame.op !== 'changes' && frame.op !== 'resync') return;
    const entityFrame = frame as unknown as EntityFrame;
    if (this.#behind) {
      this.#behind = apply(entityFrame, this.#behind);
      return;
    }
    const before = this.#state;
    this.#state = apply(entityFrame, before);
    if (entityFrame.op === 'resync') this.resyncs += 1;
    if (this.#state === before) return;
    if (entityFrame.id === KPI_SUBSCRIPTION) this.#measure();
    for (const listener of this.#listeners) listener(entityFrame, this.#state);
    if (entityFrame.op === 'state' && entityFrame.last) this.#snapshot();
  }

  #measure(): void {
    for (const entity of this.#state[KPI_SUBSCRIPTION]?.entities.values() ?? []) {
      const sample = sampleOf(entity);
      const name = localId(entity.id);
      if (sample && name === 'delay-live') this.live = append(this.live, sample);
      if (sample && name === 'delay-fixed') this.fixed = append(this.fixed, sample);
    }
  }

  #snapshot(): void {
    this.#now = performance.now();
    this.#lastFrame = this.#lastFrameNow;
    if (this.parts !== this.#state) this.parts = this.#state;
  }
}

function timeOf(status: Status | null): number | null {
  const time = status ? Date.parse(status.city_time) : NaN;
  return Number.isNaN(time) ? null : time;
}

export const live = new Live();
