/** How old is too old, per type, in seconds of the city's time. Pure. */
import { newestOf, type Entity } from './entity';

export const STALE_AFTER_S: Readonly<Record<string, number>> = {
  Vehicle: 30,
  Pedestrian: 60,
  TrafficFlowObserved: 300,
  TrafficSignalController: 300,
  AirQualityObserved: 3600,
  NoiseLevelObserved: 1800,
  WeatherObserved: 3600,
  KeyPerformanceIndicator: 120,
};
export const STALE_DEFAULT_S = 3600;
/** Things that stand, not things that sense: they have no age. */
const TIMELESS = new Set([
  'Building', 'RoadSegment', 'PublicTransportStop', 'PublicTransportRoute', 'BikeHireDockingStation', 'FireHydrant',
  'StationEntrance', 'PointOfInterest', 'Address', 'RoadAccident', 'Event',
]);
/** A device this far ahead of the city's clock has a wrong clock; its age means nothing. */
export const AHEAD_MAX_S = 300;

export type Freshness = 'fresh' | 'stale' | 'ahead' | 'silent' | 'timeless';
export type Age = { freshness: Freshness; age_s: number | null };

const FRESH_TIMELESS: Age = { freshness: 'timeless', age_s: null };

export function ageOf(entity: Entity, cityTime: number | null): Age {
  if (TIMELESS.has(entity.type)) return FRESH_TIMELESS;
  const newest = newestOf(entity);
  if (newest === null) return { freshness: 'silent', age_s: null };
  if (cityTime === null) return { freshness: 'fresh', age_s: null };
  const age_s = (cityTime - newest) / 1000;
  if (age_s < -AHEAD_MAX_S) return { freshness: 'ahead', age_s };
  const limit = STALE_AFTER_S[entity.type] ?? STALE_DEFAULT_S;
  return { freshness: age_s > limit ? 'stale' : 'fresh', age_s: Math.max(0, age_s) };
}

export function isDim(age: Age): boolean {
  return age.freshness === 'stale' || age.freshness === 'ahead' || age.freshness === 'silent';
}
