/** What can be seen on the map and in the list: one row a layer, and which layer an entity belongs to. Pure. */
import { textOf, type Entity } from './entity';

export type LayerId =
  | 'car' | 'bus' | 'tram' | 'bicycle' | 'pedestrian' | 'signal' | 'incident' | 'flow' | 'air' | 'noise' | 'weather' | 'sensor'
  | 'stop' | 'bikes' | 'hydrant' | 'entrance';
export type Group = 'moving' | 'control' | 'sensing' | 'places';
export type Layer = { id: LayerId; group: Group; types: string[]; shown: boolean; subscription: string };

export const LAYERS: readonly Layer[] = [
  { id: 'car', group: 'moving', types: ['Vehicle'], shown: true, subscription: 'moving' },
  { id: 'bus', group: 'moving', types: ['Vehicle'], shown: true, subscription: 'moving' },
  { id: 'tram', group: 'moving', types: ['Vehicle'], shown: true, subscription: 'moving' },
  { id: 'bicycle', group: 'moving', types: ['Vehicle'], shown: true, subscription: 'moving' },
  { id: 'pedestrian', group: 'moving', types: ['Pedestrian'], shown: true, subscription: 'moving' },
  { id: 'signal', group: 'control', types: ['TrafficSignalController'], shown: true, subscription: 'signals' },
  { id: 'incident', group: 'control', types: ['RoadAccident', 'Event'], shown: true, subscription: 'incidents' },
  { id: 'flow', group: 'sensing', types: ['TrafficFlowObserved'], shown: true, subscription: 'flow' },
  { id: 'air', group: 'sensing', types: ['AirQualityObserved'], shown: true, subscription: 'sensors' },
  { id: 'noise', group: 'sensing', types: ['NoiseLevelObserved'], shown: true, subscription: 'sensors' },
  { id: 'weather', group: 'sensing', types: ['WeatherObserved'], shown: true, subscription: 'sensors' },
  { id: 'sensor', group: 'sensing', types: ['Device', 'IndoorEnvironmentObserved', 'ParkingSpot', 'OnStreetParking'], shown: true, subscription: 'others' },
  { id: 'stop', group: 'places', types: ['PublicTransportStop'], shown: true, subscription: 'places' },
  { id: 'bikes', group: 'places', types: ['BikeHireDockingStation'], shown: false, subscription: 'places' },
  { id: 'hydrant', group: 'places', types: ['FireHydrant'], shown: false, subscription: 'places' },
  { id: 'entrance', group: 'places', types: ['StationEntrance'], shown: false, subscription: 'places' },
];
export const GROUPS: readonly Group[] = ['control', 'moving', 'sensing', 'places'];
export const KPI_SUBSCRIPTION = 'kpi';

const BY_TYPE = new Map(LAYERS.filter((l) => !l.types.includes('Vehicle')).flatMap((l) => l.types.map((type) => [type, l.id] as const)));
const VEHICLES = new Set<string>(['car', 'bus', 'tram', 'bicycle']);

export function layerOf(entity: Entity): LayerId | null {
  if (entity.type === 'Vehicle') {
    const kind = textOf(entity, 'vehicleType');
    return (VEHICLES.has(kind) ? kind : 'car') as LayerId;
  }
  return BY_TYPE.get(entity.type) ?? (/Observed$|^Device$/.test(entity.type) ? 'sensor' : null);
}

/** Types by subscription, in the order the page wants them filled. */
export function subscriptions(): { id: string; types: string[] }[] {
  const found = new Map<string, Set<string>>();
  for (const layer of LAYERS) {
    const types = found.get(layer.subscription) ?? new Set();
    layer.types.forEach((type) => types.add(type));
    found.set(layer.subscription, types);
  }
  return [...[...found].map(([id, types]) => ({ id, types: [...types] })), { id: KPI_SUBSCRIPTION, types: ['KeyPerformanceIndicator'] }];
}

export function isActive(entity: Entity): boolean {
  return (entity.type !== 'RoadAccident' && entity.type !== 'Event') || textOf(entity, 'status') !== 'solved';
}
