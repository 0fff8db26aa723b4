/** Going through the city at the height of one's eyes. Pure: where a key leads. */

export type Stand = { longitude: number; latitude: number; heading: number; tilt: number };

export const EYE_M = 1.65;
export const AHEAD_M = 40;
const STEP_M = 2;
const TURN = 6;
/** Free to each side, so that one does not stand with the nose at a wall. */
const ROOM_M = 4;
const SEARCH_M = 120;
const SEARCH_STEP_M = 4;
const METRES_PER_DEGREE = 111_320;
/** Forward, to the right, turn, tilt. */
const KEYS: Record<string, readonly [number, number, number, number]> = {
  ArrowUp: [1, 0, 0, 0], w: [1, 0, 0, 0], ArrowDown: [-1, 0, 0, 0], s: [-1, 0, 0, 0],
  ArrowLeft: [0, 0, -1, 0], ArrowRight: [0, 0, 1, 0], a: [0, -1, 0, 0], d: [0, 1, 0, 0],
  PageUp: [0, 0, 0, 1], PageDown: [0, 0, 0, -1],
};

/** Where somebody stands after a key; null when it is no key of walking. */
export function step(stand: Stand, key: string): Stand | null {
  const way = KEYS[key.length === 1 ? key.toLowerCase() : key];
  if (!way) return null;
  const [forward, right, turn, tilt] = way;
  const heading = (stand.heading + turn * TURN + 360) % 360;
  const moved = move(stand, heading, forward * STEP_M, right * STEP_M);
  return { ...moved, heading, tilt: Math.min(40, Math.max(-40, stand.tilt + tilt * 5)) };
}

/** The nearest place where somebody can stand: looked for in rings around a point; null when there is none near by. */
export function openNear(stand: Stand, isOpen: (longitude: number, latitude: number) => boolean): Stand | null {
  for (let ring_m = 0; ring_m <= SEARCH_M; ring_m += SEARCH_STEP_M) {
    for (let heading = 0; heading < 360; heading += ring_m ? 20 : 360) {
      const there = move(stand, heading, ring_m, 0);
      const around = [there, ...[0, 90, 180, 270].map((way) => move(there, way, ROOM_M, 0))];
      if (around.every((one) => isOpen(one.longitude, one.latitude))) return there;
    }
  }
  return null;
}

/** So many metres forward and to the right of a heading. */
export function move(stand: Stand, heading: number, forward_m: number, right_m: number): Stand {
  const angle = (heading * Math.PI) / 180;
  const east = forward_m * Math.sin(angle) + right_m * Math.cos(angle);
  const north = forward_m * Math.cos(angle) - right_m * Math.sin(angle);
  const wide = METRES_PER_DEGREE * Math.cos((stand.latitude * Math.PI) / 180);
  return { ...stand, longitude: stand.longitude + east / wide, latitude: stand.latitude + north / METRES_PER_DEGREE };
}
