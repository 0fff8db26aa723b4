/** Where the sun is, between the moments that the city told. Pure: the city computes, the page only goes from one to the next. */

export type SunMoment = { at: string; azimuth: number; elevation: number };
export type Sun = { azimuth: number; elevation: number };

/** At a moment in milliseconds of the epoch; at the ends of the path what stands there. Null without a path. */
export function sunAt(path: readonly SunMoment[], at_ms: number): Sun | null {
  const last = path[path.length - 1];
  if (!path[0] || !last) return null;
  const next = path.findIndex((one) => Date.parse(one.at) > at_ms);
  const after = path[next === -1 ? path.length - 1 : next] as SunMoment;
  const before = path[next === -1 ? path.length - 1 : Math.max(0, next - 1)] as SunMoment;
  const span = Date.parse(after.at) - Date.parse(before.at);
  const share = span > 0 ? (at_ms - Date.parse(before.at)) / span : 0;
  const turn = ((after.azimuth - before.azimuth + 540) % 360) - 180;
  return { azimuth: (before.azimuth + turn * share + 360) % 360, elevation: before.elevation + (after.elevation - before.elevation) * share };
}

/** To a quarter of a degree, half of what the sun is wide: shadows do not move visibly within it. */
export function rounded(sun: Sun): Sun {
  return { azimuth: Math.round(sun.azimuth * 4) / 4, elevation: Math.round(sun.elevation * 4) / 4 };
}

/** Toward the sun: east, north, up. */
export function directionOf(sun: Sun): [number, number, number] {
  const azimuth = (sun.azimuth * Math.PI) / 180;
  const elevation = (sun.elevation * Math.PI) / 180;
  const across = Math.cos(elevation);
  return [across * Math.sin(azimuth), across * Math.cos(azimuth), Math.sin(elevation)];
}

/** 1 by day, 0 at night; civil twilight lies between (the sun 6 degrees below the horizon). */
export function daylight(sun: Sun): number {
  return Math.min(1, Math.max(0, (sun.elevation + 6) / 12));
}

/** The moment that is so many minutes after the local midnight at which a path begins. */
export function momentOf(path: readonly SunMoment[], minute: number): number | null {
  return path[0] ? Date.parse(path[0].at) + minute * 60_000 : null;
}
