/** The base map: own tiles, own colours, nothing from outside. Labels are drawn from the reader's own fonts (no glyph server). */
import type { LayerSpecification, StyleSpecification } from 'maplibre-gl';
import type { Language } from '../lib/i18n.svelte';

type Palette = Record<
  'ground' | 'sky' | 'park' | 'water' | 'square' | 'sand' | 'road' | 'casing' | 'major' | 'path' | 'rail' | 'tram' | 'building' | 'buildingTop' | 'text' | 'halo',
  string
>;

const LIGHT: Palette = {
  ground: '#f1f3f5', sky: '#9ec7ee', park: '#dcebdd', water: '#c3daf0', square: '#e9e7e1', sand: '#efe6d2', road: '#ffffff', casing: '#d5dae0', major: '#fffaf0',
  path: '#d9d3c8', rail: '#9aa4b0', tram: '#7fae8b', building: '#dfe3e9', buildingTop: '#cfd6de', text: '#464c53', halo: '#ffffff',
};
const DARK: Palette = {
  ground: '#15191f', sky: '#0d1a30', park: '#1a2a21', water: '#12293f', square: '#1d222a', sand: '#2a2720', road: '#2f3743', casing: '#1b2028', major: '#3c4655',
  path: '#2a303a', rail: '#586474', tram: '#3e6b4d', building: '#262d37', buildingTop: '#333c49', text: '#b9c2cc', halo: '#12161b',
};

const FONT = ['Pretendard GOV, Pretendard, Noto Sans KR, Noto Sans CJK KR, Apple SD Gothic Neo, Malgun Gothic, sans-serif'];
const width = (base: number) => ['interpolate', ['exponential', 1.6], ['zoom'], 11, base * 0.12, 14, base * 0.5, 17, base * 3.4, 19, base * 12];
const at = (source: string) => ({ source: 'city', 'source-layer': source });
const classes = (...names: string[]) => ['in', ['get', 'class'], ['literal', names]];

function roads(c: Palette): unknown[] {
  const small = classes('residential', 'service', 'pedestrian', 'unclassified');
  const big = classes('motorway', 'trunk', 'primary', 'secondary', 'tertiary');
  const open = ['!=', ['get', 'tunnel'], true];
  const line = (id: string, filter: unknown, color: string, w: unknown, extra: object = {}) => ({
    id, type: 'line', ...at('road'), filter: ['all', open, filter], layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': color, 'line-width': w, ...extra },
  });
  return [
    line('road-path', classes('path', 'steps', 'cycle', 'footway'), c.path, width(0.7), { 'line-dasharray': [2, 1.6] }),
    line('road-small-casing', small, c.casing, width(3.6)),
    line('road-big-casing', big, c.casing, width(5.6)),
    line('road-small', small, c.road, width(2.8)),
    line('road-big', big, c.major, width(4.6)),
  ];
}

function labels(c: Palette, language: Language): unknown[] {
  const name = language === 'ko' ? ['coalesce', ['get', 'name_ko'], ['get', 'name']] : ['coalesce', ['get', 'name_en'], ['get', 'name']];
  const paint = { 'text-color': c.text, 'text-halo-color': c.halo, 'text-halo-width': 1.4 };
  return [
    {
      id: 'road-name', type: 'symbol', ...at('road'), minzoom: 14.5, filter: ['has', 'name'],
      layout: { 'symbol-placement': 'line', 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11, 'symbol-spacing': 320 }, paint,
    },
    {
      id: 'place-name', type: 'symbol', ...at('place'), filter: ['!=', ['get', 'kind'], 'city'],
      layout: { 'text-field': name, 'text-font': FONT, 'text-size': ['match', ['get', 'kind'], ['suburb', 'neighbourhood'], 14, 12], 'text-max-width': 8, 'text-padding': 8 },
      paint,
    },
  ];
}

/** As blocks, as outlines, or not by the map: then the twin shows them. */
export type Buildings = 'tall' | 'flat' | 'none';

export function styleOf(tiles: string, attribution: string, dark: boolean, language: Language, buildings: Buildings): StyleSpecification {
  const c = dark ? DARK : LIGHT;
  const layers: unknown[] = [
    { id: 'ground', type: 'background', paint: { 'background-color': c.ground } },
    {
      id: 'land', type: 'fill', ...at('land'),
      paint: {
        'fill-color': [
          'match', ['get', 'kind'],
          ['park', 'grass', 'pitch', 'playground', 'garden', 'forest', 'cemetery'], c.park, 'water', c.water,
          ['square', 'pier', 'pedestrian'], c.square, ['sand', 'beach'], c.sand, c.ground,
        ],
      },
    },
    ...roads(c),
    {
      id: 'rail', type: 'line', ...at('rail'), filter: ['all', ['!=', ['get', 'tunnel'], true], ['!=', ['get', 'kind'], 'subway']],
      paint: { 'line-color': ['match', ['get', 'kind'], 'tram', c.tram, c.rail], 'line-width': ['interpolate', ['linear'], ['zoom'], 12, 0.6, 16, 1.6, 18, 3] },
    },
    {
      id: 'building-flat', type: 'fill', ...at('building'), layout: { visibility: buildings === 'flat' ? 'visible' : 'none' },
      paint: { 'fill-color': c.building, 'fill-outline-color': c.buildingTop },
    },
    {
      id: 'building-3d', type: 'fill-extrusion', ...at('building'), minzoom: 13.5, layout: { visibility: buildings === 'tall' ? 'visible' : 'none' },
      paint: {
        'fill-extrusion-color': ['interpolate', ['linear'], ['coalesce', ['get', 'height'], 8], 0, c.building, 50, c.buildingTop],
        'fill-extrusion-height': ['coalesce', ['get', 'height'], 8],
        'fill-extrusion-base': ['coalesce', ['get', 'min_height'], 0],
        'fill-extrusion-opacity': 0.82,
      },
    },
    ...labels(c, language),
  ];
  return {
    version: 8,
    sources: { city: { type: 'vector', url: `pmtiles://${tiles}`, attribution } },
    layers: layers as LayerSpecification[],
    light: { anchor: 'viewport', intensity: 0.25 },
    sky: { 'sky-color': c.sky, 'horizon-color': c.ground, 'fog-color': c.ground, 'sky-horizon-blend': 0.6 },
  };
}
