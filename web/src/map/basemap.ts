/** MapLibre with our own tiles: the only file that loads it, so that it comes as a chunk of its own. */
import maplibregl, { type Map as BaseMap } from 'maplibre-gl';
import 'maplibre-gl/dist/maplibre-gl.css';
import { Protocol } from 'pmtiles';
import { address } from '../api/http';
import type { City } from '../api/types';
import { i18n, t } from '../lib/i18n.svelte';
import type { Look } from '../state/place';
import { styleOf, type Buildings } from './style';

export type { BaseMap };
const PITCH = 45;

export function supportsWebGl(): boolean {
  const canvas = document.createElement('canvas');
  return Boolean(canvas.getContext('webgl2') ?? canvas.getContext('webgl'));
}

export function baseStyle(city: City, dark: boolean, buildings: Buildings) {
  const attribution = city.attribution.includes('OpenStreetMap') ? city.attribution : `${city.attribution} © OpenStreetMap contributors (ODbL)`;
  return styleOf(address(city.tiles).href, attribution, dark, i18n.language, buildings);
}

function locale(): Record<string, string> {
  return {
    'NavigationControl.ResetBearing': t('map.north'),
    'NavigationControl.ZoomIn': t('map.zoomin'),
    'NavigationControl.ZoomOut': t('map.zoomout'),
    'AttributionControl.ToggleAttribution': t('map.attribution'),
    'Map.Title': t('map.title'),
  };
}

let registered = false;

export function createBaseMap(container: HTMLElement, city: City, dark: boolean, buildings: Buildings, look: Partial<Look>): BaseMap {
  if (!registered) maplibregl.addProtocol('pmtiles', new Protocol().tile);
  registered = true;
  const [west, south, east, north] = city.bbox;
  const [dx, dy] = [(east - west) * 0.6, (north - south) * 0.6];
  const map = new maplibregl.Map({
    container,
    style: baseStyle(city, dark, buildings),
    center: [look.longitude ?? (west + east) / 2, look.latitude ?? (south + north) / 2],
    zoom: look.zoom ?? (container.clientWidth < 600 ? 13.9 : 14.9),
    pitch: look.pitch ?? PITCH,
    bearing: look.bearing ?? -12,
    maxPitch: Math.max(60, Math.min(80, look.pitch ?? 0)),
    minZoom: 12,
    maxBounds: [west - dx, south - dy, east + dx, north + dy],
    attributionControl: false,
    locale: locale(),
    fadeDuration: 0,
    canvasContextAttributes: { antialias: false, powerPreference: 'low-power' },
  });
  if (container.clientWidth > 900) map.setPadding({ left: 200, top: 0, right: 0, bottom: 0 });
  map.addControl(new maplibregl.AttributionControl({ compact: false }), 'bottom-right');
  map.addControl(new maplibregl.NavigationControl({ visualizePitch: true }), 'top-right');
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 110 }), 'bottom-left');
  return map;
}
