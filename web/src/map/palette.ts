/** Colours of what moves and senses; chosen apart in hue, lightness and shape, for light and dark ground alike. */
import type { Grade, Lamp } from '../state/reading';

export type Ink = {
  paper: string; ink: string; edge: string; dim: string;
  car: string; bus: string; tram: string; bicycle: string; pedestrian: string; stop: string; place: string; alarm: string; event: string; late: string;
  app: string; fixed: string; fallback: string;
  lamp: Record<Lamp, string>;
  grade: Record<Grade, string>;
};

const LIGHT: Ink = {
  paper: '#ffffff', ink: '#1e2124', edge: '#ffffff', dim: '#8a949e',
  car: '#33485f', bus: '#0b50d0', tram: '#0f7a3d', bicycle: '#c2410c', pedestrian: '#a01a6b', stop: '#58616a', place: '#6d4bb0', alarm: '#de3412', event: '#7a3fc0', late: '#b45309',
  app: '#256ef4', fixed: '#58616a', fallback: '#c78500',
  lamp: { green: '#1d9a43', yellow: '#ffb114', red: '#de3412', off: '#b1b8be' },
  grade: { good: '#2478d4', fair: '#228738', poor: '#e08600', bad: '#d3261b', none: '#58616a' },
};
const DARK: Ink = {
  ...LIGHT, paper: '#1e2630', ink: '#f4f5f6', edge: '#0d1116', dim: '#7b8794',
  car: '#b9cbe0', bus: '#5d9bff', tram: '#4fc777', bicycle: '#ff9a52', pedestrian: '#ff8fcb', stop: '#a9b4bf', place: '#b79cf0', alarm: '#ff6a4d', event: '#c08bff', late: '#f5a623',
  app: '#5d9bff', fixed: '#93a0ad', fallback: '#ffb114',
  lamp: { green: '#3ddc6f', yellow: '#ffc95c', red: '#ff5a3d', off: '#58616a' },
  grade: { good: '#5fb0ff', fair: '#5fcf7a', poor: '#ffae35', bad: '#ff6b5e', none: '#93a0ad' },
};

export function inkOf(dark: boolean): Ink {
  return dark ? DARK : LIGHT;
}
