/** Ties the base map, the overlay and the live state together: the only place where the map meets the clock. */
import type { City } from '../api/types';
import { live } from '../state/live.svelte';
import { scene } from '../state/scene.svelte';
import { ui } from '../state/ui.svelte';
import { t } from '../lib/i18n.svelte';
import type { BaseMap } from './basemap';
import { frameAt } from './homography';
import { Marks, type Mark } from './marks';
import { Overlay, type Scene } from './overlay';
import { inkOf } from './palette';
import { Sprites } from './sprites';

const FRAME_MIN_MS = 33;
/** With reduced motion things step once a second instead of gliding. */
const FRAME_CALM_MS = 1_000;
const REST_FACTOR = 8;
const FOCUS_ZOOM = 16.5;

export class MapDriver {
  readonly marks: Marks;
  readonly overlay: Overlay;
  restyle: () => void = () => undefined;
  /** What a click finds that is no mark, while the twin shows the buildings. */
  beneath: ((x: number, y: number) => void) | null = null;
  #sprites: Sprites;
  #scene: Omit<Scene, 'ring'> = { shown: { ...ui.shown }, dead: false, selected: null };
  #dark = false;
  #hidden = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unlisten: () => void;
  readonly #context: CanvasRenderingContext2D;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  readonly #ratio = Math.min(2, devicePixelRatio);

  constructor(private readonly map: BaseMap, private readonly canvas: HTMLCanvasElement, city: City) {
    const [west, south, east, north] = city.bbox;
    this.marks = new Marks(frameAt((west + east) / 2, (south + north) / 2));
    this.overlay = new Overlay(this.marks);
    this.#sprites = new Sprites(inkOf(false), this.#ratio * 1.35);
    this.#context = canvas.getContext('2d')!;
    for (const [id, part] of Object.entries(live.current)) {
      const whole = { op: 'state' as const, id, seq: part.seq, entities: [...part.entities.values()], last: true };
      if (part.phase === 'live') this.marks.take(whole, live.current, performance.now(), live.cityTime);
    }
    this.#unlisten = live.listen((frame, state) => this.marks.take(frame, state, performance.now(), live.cityTime));
    this.#wire();
    this.#loop();
  }

  stop(): void {
    this.#unlisten();
    clearTimeout(this.#timer);
  }

  setScene(scene: Omit<Scene, 'ring'>): void {
    this.#scene = scene;
    this.draw();
  }

  setDark(dark: boolean): void {
    this.#dark = dark;
    this.#sprites = new Sprites(inkOf(dark), this.#ratio * 1.35);
  }

  setHidden(hidden: boolean): void {
    this.#hidden = hidden;
    if (!hidden) this.map.resize();
  }

  age(): void {
    this.marks.age(live.current, live.cityTime);
  }

  go(lon: number, lat: number): void {
    const zoom = Math.max(this.map.getZoom(), FOCUS_ZOOM);
    if (this.#calm.matches) this.map.jumpTo({ center: [lon, lat], zoom });
    else this.map.flyTo({ center: [lon, lat], zoom, duration: 900 });
  }

  draw(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    const [w, h] = [Math.round(width * this.#ratio), Math.round(height * this.#ratio)];
    if (this.canvas.width !== w || this.canvas.height !== h) [this.canvas.width, this.canvas.height] = [w, h];
    const unproject = (x: number, y: number) => {
      const { lng, lat } = this.map.unproject([x, y]);
      return [lng, lat] as const;
    };
    const camera = { width, height, zoom: this.map.getZoom(), unproject };
    const scene = { ...this.#scene, ring: this.#dark ? '#ffd23f' : '#b0260b' };
    this.overlay.draw(this.#context, this.#sprites, camera, scene, performance.now(), this.#ratio);
    this.canvas.dataset['placed'] = String(this.overlay.placed);
  }

  #loop(): void {
    const start = performance.now();
    if (!this.#hidden && document.visibilityState === 'visible') this.draw();
    const took = performance.now() - start;
    const least = this.#calm.matches ? FRAME_CALM_MS : FRAME_MIN_MS;
    this.#timer = setTimeout(() => requestAnimationFrame(() => this.#loop()), Math.max(least, took * REST_FACTOR));
  }

  #wire(): void {
    const { map } = this;
    const root = document.documentElement;
    let rendered = 0;
    map.on('render', () => {
      this.canvas.dataset['rendered'] = String(++rendered);
      this.draw();
    });
    map.once('idle', () => {
      root.dataset['map'] = 'ready';
      root.dataset['ready'] = 'true';
    });
    map.on('error', (event) => {
      ui.mapFault = event.error?.message ?? 'error';
      root.dataset['ready'] = 'true';
    });
    map.on('click', (event) => this.#pick(event.point.x, event.point.y));
    map.on('mousemove', (event) => {
      map.getCanvas().style.cursor = this.overlay.hit(event.point.x, event.point.y) ? 'pointer' : '';
    });
    const target = map.getCanvas();
    target.setAttribute('aria-describedby', 'map-help');
    target.setAttribute('aria-label', t('map.title'));
    target.addEventListener('keydown', (event) => this.#key(event));
  }

  #pick(x: number, y: number): void {
    const mark = scene.measuring ? null : this.overlay.hit(x, y);
    if (mark) return ui.select(mark.id, this.map.getCanvas());
    if (this.beneath) return this.beneath(x, y);
    const found = this.map.queryRenderedFeatures([x, y], { layers: ['building-3d', 'building-flat'].filter((id) => this.map.getLayer(id)) })[0];
    const local = found?.properties['id'] as string | undefined;
    ui.select(local && live.city ? `urn:ngsi-ld:Building:${live.city.id}:${local}` : null, this.map.getCanvas());
  }

  /** Enter takes the thing nearest the middle, n and p walk outwards and back. */
  #key(event: KeyboardEvent): void {
    const step = { Enter: 0, n: 1, p: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const near = this.#nearest();
    const index = near.findIndex((mark) => mark.id === ui.selected);
    const next = near[step === 0 ? 0 : Math.min(near.length - 1, Math.max(0, index + step))];
    if (next) ui.select(next.id, this.map.getCanvas());
    event.preventDefault();
  }

  #nearest(): Mark[] {
    const [x, y] = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2];
    const far = (mark: Mark) => Math.hypot(mark.sx - x, mark.sy - y);
    return [...this.overlay.visible()].sort((a, b) => far(a) - far(b));
  }
}
