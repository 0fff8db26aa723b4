/** The one value that stands for an entity on the map and in the list, and how worrying it is. Pure. */
import { numberOf, textOf, type Entity } from './entity';
import type { LayerId } from './layers';

export type Grade = 'good' | 'fair' | 'poor' | 'bad' | 'none';
export type Reading = { attribute: string; value: number | null; grade: Grade };

/** Upper bounds of good, fair and poor. PM2.5 as Korea's air index, noise as the WHO day bounds, occupancy as a share. */
const BOUNDS: Readonly<Record<string, readonly [number, number, number]>> = {
  pm25: [15, 35, 75],
  pm10: [30, 80, 150],
  no2: [56, 113, 376],
  LAeq: [55, 65, 75],
  occupancy: [0.15, 0.35, 0.6],
};
const FIRST: Partial<Record<LayerId, readonly string[]>> = {
  air: ['pm25', 'pm10', 'no2'],
  noise: ['LAeq'],
  weather: ['temperature', 'precipitation', 'windSpeed'],
  flow: ['occupancy', 'intensity'],
  car: ['speed'], bus: ['speed'], tram: ['speed'], bicycle: ['speed'], pedestrian: ['speed'],
  sensor: ['pm25', 'temperature', 'LAeq', 'relativeHumidity', 'illuminance', 'occupancy', 'intensity', 'batteryLevel'],
};

export function grade(attribute: string, value: number | null): Grade {
  const bounds = BOUNDS[attribute];
  if (!bounds || value === null) return 'none';
  return value <= bounds[0] ? 'good' : value <= bounds[1] ? 'fair' : value <= bounds[2] ? 'poor' : 'bad';
}

export function readingOf(entity: Entity, layer: LayerId): Reading | null {
  for (const attribute of FIRST[layer] ?? []) {
    const value = numberOf(entity, attribute);
    if (value !== null) return { attribute, value, grade: grade(attribute, value) };
  }
  return null;
}

export function nameOf(entity: Entity, language: string): string {
  return textOf(entity, 'name', language) || textOf(entity, 'description', language) || textOf(entity, 'line');
}

/** Signal letters as SUMO writes them, reduced to what a lamp shows. */
export type Lamp = 'green' | 'yellow' | 'red' | 'off';
export function lampOf(letter: string): Lamp {
  if (letter === 'G' || letter === 'g') return 'green';
  if (letter === 'y' || letter === 'Y') return 'yellow';
  if (letter === 'r' || letter === 'R' || letter === 's' || letter === 'u') return 'red';
  return 'off';
}
