/** What somebody looks at, as the part of the address after `#`: a link shows another person the same. Pure. */

export type Look = {
  view: 'map' | 'scene' | 'list';
  longitude: number;
  latitude: number;
  zoom: number;
  bearing: number;
  pitch: number;
  selected: string | null;
  /** Local day and minute of the sun; null: as it is now. */
  day: string | null;
  minute: number;
  /** 1 is solid. */
  opacity: number;
  /** Metres above the ground at which buildings are cut; null: not at all. */
  cut_m: number | null;
};

const VIEWS = new Set(['map', 'scene', 'list']);
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function encode(look: Look): string {
  const told = new URLSearchParams({
    v: look.view,
    at: [look.longitude.toFixed(6), look.latitude.toFixed(6), look.zoom.toFixed(2), look.bearing.toFixed(1), look.pitch.toFixed(1)].join(','),
  });
  if (look.selected) told.set('id', look.selected);
  if (look.day) told.set('sun', `${look.day}T${look.minute}`);
  if (look.opacity < 1) told.set('o', look.opacity.toFixed(2));
  if (look.cut_m !== null) told.set('cut', String(look.cut_m));
  return told.toString();
}

/** What a link says; whatever it does not say, or says wrong, is left out. */
export function decode(hash: string): Partial<Look> {
  const told = new URLSearchParams(hash.replace(/^#/, ''));
  const out: Partial<Look> = {};
  const view = told.get('v') ?? '';
  if (VIEWS.has(view)) out.view = view as Look['view'];
  const at = (told.get('at') ?? '').split(',').map(Number);
  const [longitude, latitude, zoom, bearing, pitch] = at as [number, number, number, number, number];
  if (at.length === 5 && at.every(Number.isFinite) && Math.abs(longitude) <= 180 && Math.abs(latitude) <= 85) {
    Object.assign(out, { longitude, latitude, zoom, bearing, pitch });
  }
  if (told.get('id')) out.selected = told.get('id');
  const [day, minute] = (told.get('sun') ?? '').split('T');
  if (DAY.test(day ?? '') && within(Number(minute), 0, 1_439)) Object.assign(out, { day, minute: Number(minute) });
  if (told.has('o') && within(Number(told.get('o')), 0.1, 1)) out.opacity = Number(told.get('o'));
  if (told.has('cut') && within(Number(told.get('cut')), 0, 500)) out.cut_m = Number(told.get('cut'));
  return out;
}

function within(value: number, least: number, most: number): boolean {
  return Number.isFinite(value) && value >= least && value <= most;
}
