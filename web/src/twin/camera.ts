/** MapLibre's camera as three.js wants it, in a frame of metres (east, north, up) around an anchor on the map. */
import type { Map as BaseMap } from 'maplibre-gl';
import { MercatorCoordinate } from 'maplibre-gl';
import { Matrix4, PerspectiveCamera, Vector3 } from 'three';

export type Anchor = { longitude: number; latitude: number };

/** From metres around the anchor to MapLibre's unit square, whose y goes south. */
export function toMercator(anchor: Anchor): Matrix4 {
  const at = MercatorCoordinate.fromLngLat([anchor.longitude, anchor.latitude], 0);
  const scale = at.meterInMercatorCoordinateUnits();
  return new Matrix4().makeTranslation(at.x, at.y, 0).scale(new Vector3(scale, -scale, scale));
}

export function localOf(anchor: Anchor, longitude: number, latitude: number, height_m: number): Vector3 {
  const origin = MercatorCoordinate.fromLngLat([anchor.longitude, anchor.latitude], 0);
  const there = MercatorCoordinate.fromLngLat([longitude, latitude], 0);
  const scale = origin.meterInMercatorCoordinateUnits();
  return new Vector3((there.x - origin.x) / scale, (origin.y - there.y) / scale, height_m);
}

export function placeOf(anchor: Anchor, point: Vector3): { longitude: number; latitude: number; height_m: number } {
  const origin = MercatorCoordinate.fromLngLat([anchor.longitude, anchor.latitude], 0);
  const scale = origin.meterInMercatorCoordinateUnits();
  const { lng, lat } = new MercatorCoordinate(origin.x + point.x * scale, origin.y - point.y * scale, 0).toLngLat();
  return { longitude: lng, latitude: lat, height_m: point.z };
}

/**
 * Sets position and direction as they are and puts whatever else MapLibre does into the projection: both together are exactly its own
 * matrix, and levels of detail are chosen by the distance there really is.
 */
export function follow(camera: PerspectiveCamera, map: BaseMap, main: ArrayLike<number>, anchor: Anchor, placed: Matrix4): void {
  const { lng, lat } = map.transform.getCameraLngLat();
  const at = localOf(anchor, lng, lat, map.transform.getCameraAltitude());
  const bearing = (map.getBearing() * Math.PI) / 180;
  const pitch = (map.getPitch() * Math.PI) / 180;
  const right = new Vector3(Math.cos(bearing), -Math.sin(bearing), 0);
  const up = new Vector3(Math.sin(bearing) * Math.cos(pitch), Math.cos(bearing) * Math.cos(pitch), Math.sin(pitch));
  camera.matrixWorld.makeBasis(right, up, right.clone().cross(up)).setPosition(at);
  camera.matrixWorldInverse.copy(camera.matrixWorld).invert();
  camera.projectionMatrix.fromArray(Array.from(main)).multiply(placed).multiply(camera.matrixWorld);
  camera.projectionMatrixInverse.copy(camera.projectionMatrix).invert();
}
