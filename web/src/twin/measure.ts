/** Distances between points that somebody marked. Pure. */

/** Degrees, and metres above the ground. */
export type Point = { longitude: number; latitude: number; height_m: number };
export type Measured = { length_m: number; across_m: number; rise_m: number };

const RADIUS_M = 6_371_008.8;
const rad = (degrees: number): number => (degrees * Math.PI) / 180;

/** Along the ground, on the sphere (haversine). */
export function acrossOf(a: Point, b: Point): number {
  const north = Math.sin(rad(b.latitude - a.latitude) / 2);
  const east = Math.sin(rad(b.longitude - a.longitude) / 2);
  const h = north * north + Math.cos(rad(a.latitude)) * Math.cos(rad(b.latitude)) * east * east;
  return 2 * RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** Along all points in their order; the rise is from the first to the last. */
export function measure(points: readonly Point[]): Measured {
  let [length_m, across_m] = [0, 0];
  for (let i = 1; i < points.length; i += 1) {
    const [a, b] = [points[i - 1]!, points[i]!];
    const across = acrossOf(a, b);
    across_m += across;
    length_m += Math.hypot(across, b.height_m - a.height_m);
  }
  const [first, last] = [points[0], points[points.length - 1]];
  return { length_m, across_m, rise_m: first && last ? last.height_m - first.height_m : 0 };
}
