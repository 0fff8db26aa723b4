/** Between the map, what was chosen and the address: all three say the same. */
import { decode, encode } from '../state/place';
import { scene } from '../state/scene.svelte';
import { ui } from '../state/ui.svelte';
import type { BaseMap } from './basemap';

/** The address says what is looked at. */
export function told(map: BaseMap): void {
  const { lng: longitude, lat: latitude } = map.getCenter();
  const { view, selected } = ui;
  const { day, minute, opacity, cut_m } = scene;
  if (scene.middle?.longitude !== longitude || scene.middle.latitude !== latitude) scene.middle = { longitude, latitude };
  scene.hash = encode({
    view, selected, day, minute, opacity, cut_m, longitude, latitude, zoom: map.getZoom(), bearing: map.getBearing(), pitch: map.getPitch(),
  });
  history.replaceState(history.state, '', `#${scene.hash}`);
}

/** What an address says is chosen; the camera apart, which the map itself is given. */
export function choose(hash: string): void {
  const look = decode(hash);
  if (look.view) ui.view = look.view;
  if (look.selected) ui.select(look.selected, null);
  if (look.day) [scene.day, scene.minute] = [look.day, look.minute ?? 720];
  scene.opacity = look.opacity ?? 1;
  scene.cut_m = look.cut_m ?? null;
}

/** A link within the page, such as a bookmark, was followed. */
export function come(map: BaseMap, hash: string): void {
  const look = decode(hash);
  choose(hash);
  if (look.longitude === undefined || look.latitude === undefined) return;
  map.jumpTo({ center: [look.longitude, look.latitude], zoom: look.zoom ?? map.getZoom(), bearing: look.bearing ?? 0, pitch: look.pitch ?? 0 });
}
