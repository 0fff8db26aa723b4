/** Ties the layer to the map, the clock and what somebody chose. Loaded together with the layer, when three dimensions are first asked for. */
import { LngLat, type Map as BaseMap } from 'maplibre-gl';
import { get } from '../api/http';
import { theme } from '../lib/theme.svelte';
import { live } from '../state/live.svelte';
import { scene } from '../state/scene.svelte';
import { ui } from '../state/ui.svelte';
import { TwinLayer } from './layer';
import { rounded, type SunMoment } from './sun';
import { AHEAD_M, EYE_M, move, openNear, step, type Stand } from './walk';

const BELOW = 'road-name';
const WALK_PITCH_MAX = 130;

export class TwinDriver {
  readonly layer: TwinLayer;
  #stand: Stand | null = null;
  #asked = '';
  #shown = '';
  readonly #pitch: number;
  readonly #isOpen = (longitude: number, latitude: number): boolean => this.layer.isOpen(longitude, latitude);
  readonly #put = (): void => this.#add();
  readonly #moved = (): void => this.#look();
  readonly #key = (event: KeyboardEvent): void => this.#walk(event);

  constructor(private readonly map: BaseMap, private readonly zone: string) {
    this.#pitch = map.getMaxPitch();
    this.layer = new TwinLayer((told) => {
      Object.assign(scene, told);
      document.documentElement.dataset['buildings'] = String(told.drawn);
      document.documentElement.dataset['scene'] = told.settled ? 'ready' : 'loading';
    });
    map.setMaxPitch(80);
    map.on('styledata', this.#put);
    map.on('moveend', this.#moved);
    map.getCanvas().addEventListener('keydown', this.#key, true);
    this.#add();
    this.#look();
  }

  stop(): void {
    this.map.off('styledata', this.#put);
    this.map.off('moveend', this.#moved);
    this.map.getCanvas().removeEventListener('keydown', this.#key, true);
    this.walk(false);
    if (this.map.getLayer(this.layer.id)) this.map.removeLayer(this.layer.id);
    this.layer.dispose();
    this.map.setMaxPitch(this.#pitch);
    delete document.documentElement.dataset['scene'];
  }

  /** What is shown follows what was chosen. The map rests while nothing of it changes: without a graphics card a frame with shadows is dear. */
  show(): void {
    const { shadows, opacity, cut_m, points } = scene;
    const looks = { dark: theme.dark, sun: scene.sun && rounded(scene.sun), shadows, opacity, cut_m, selected: ui.selected, points };
    const key = JSON.stringify([looks, this.map.getCenter()]);
    if (key !== this.#shown) this.layer.show(looks);
    this.#shown = key;
  }

  /** Asks the city for the sun of a day where the map is; near by it is the same. */
  async ask(): Promise<void> {
    const day = scene.day ?? new Intl.DateTimeFormat('en-CA', { timeZone: this.zone }).format(live.cityTime ?? Date.now());
    const { lng, lat } = this.map.getCenter();
    const query = `longitude=${lng.toFixed(1)}&latitude=${lat.toFixed(1)}&date=${day}`;
    if (query === this.#asked) return;
    this.#asked = query;
    try {
      scene.path = await get<SunMoment[]>(`/twin/sun?${query}`);
    } catch (error) {
      this.#asked = '';
      scene.failure = error instanceof Error ? error.message : String(error);
    }
  }

  /** A click: a point of a measure, or a building. */
  pick(x: number, y: number): void {
    const picked = this.layer.pick(x, y);
    if (scene.measuring) scene.points = [...scene.points, picked.point];
    else ui.select(picked.id, this.map.getCanvas());
  }

  /** Stands where the map's middle is, or rises again. */
  walk(on: boolean): void {
    if (on === (this.#stand !== null)) return;
    const { lng, lat } = this.map.getCenter();
    this.map.setCenterClampedToGround(!on);
    this.map.keyboard[on ? 'disable' : 'enable']();
    const here = { longitude: lng, latitude: lat, heading: this.map.getBearing(), tilt: 4 };
    this.#stand = on ? (openNear(here, this.#isOpen) ?? here) : null;
    if (on) return this.#see();
    this.map.jumpTo({ center: [lng, lat], zoom: 16.5, pitch: 55, elevation: 0 });
    this.map.setMaxPitch(80);
  }

  #see(): void {
    const stand = this.#stand;
    if (!stand) return;
    this.map.setMaxPitch(WALK_PITCH_MAX);
    const ahead = move(stand, stand.heading, AHEAD_M, 0);
    const rise = AHEAD_M * Math.tan((stand.tilt * Math.PI) / 180);
    const [from, to] = [new LngLat(stand.longitude, stand.latitude), new LngLat(ahead.longitude, ahead.latitude)];
    this.map.jumpTo(this.map.calculateCameraOptionsFromTo(from, EYE_M, to, EYE_M + rise));
  }

  #walk(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.#stand && step(this.#stand, event.key);
    const middle = event.key === 'b' || (event.key === 'Enter' && scene.measuring);
    if (!next && !middle) return;
    event.preventDefault();
    event.stopPropagation();
    if (next) {
      if (this.#isOpen(next.longitude, next.latitude)) this.#stand = next;
      return this.#see();
    }
    const { clientWidth, clientHeight } = this.map.getCanvas();
    this.pick(clientWidth / 2, clientHeight / 2);
  }

  #add(): void {
    if (this.map.getLayer(this.layer.id) || !this.map.getLayer(BELOW)) return;
    this.map.addLayer(this.layer, BELOW);
  }

  #look(): void {
    void this.ask();
    this.show();
  }
}
