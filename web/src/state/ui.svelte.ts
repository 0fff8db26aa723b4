/** What the person chose to look at. */
import { remember, remembered } from '../lib/i18n.svelte';
import { LAYERS, type LayerId } from './layers';

export type View = 'map' | 'scene' | 'list';
const STORE = 'madang.layers';

function keptLayers(): Record<LayerId, boolean> {
  const kept = new Map((remembered(STORE) ?? '').split(',').map((pair) => pair.split('=') as [string, string]));
  const entries = LAYERS.map((layer) => [layer.id, kept.has(layer.id) ? kept.get(layer.id) === '1' : layer.shown] as const);
  return Object.fromEntries(entries) as Record<LayerId, boolean>;
}

class Ui {
  view = $state<View>('map');
  mapFailed = $state(false);
  /** The base map's tiles did not come; what moves is still drawn. */
  mapFault = $state('');
  selected = $state<string | null>(null);
  shown = $state<Record<LayerId, boolean>>(keptLayers());
  buildings = $state(true);
  /** Where the map is asked to go; a new object each time. */
  goal = $state.raw<{ lon: number; lat: number } | null>(null);
  #opener: Element | null = null;

  select(id: string | null, opener: Element | null = document.activeElement): void {
    if (id) this.#opener = opener;
    this.selected = id;
  }

  /** Escape closes the card and gives the focus back to where it came from. */
  close(): void {
    this.selected = null;
    if (this.#opener instanceof HTMLElement && this.#opener.isConnected) this.#opener.focus();
  }

  go(place: [number, number] | null): void {
    if (place) this.goal = { lon: place[0], lat: place[1] };
  }

  toggle(layer: LayerId): void {
    this.shown[layer] = !this.shown[layer];
    remember(STORE, LAYERS.map((l) => `${l.id}=${this.shown[l.id] ? 1 : 0}`).join(','));
  }
}

export const ui = new Ui();
