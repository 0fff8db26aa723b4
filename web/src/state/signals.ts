/** Signal heads: which lamp letters belong to which approach, and where the approach lies. Pure. */
import { valueOf, type Entity } from './entity';
import { lampOf, type Lamp } from './reading';

/** `bearing` points from the junction to where the traffic comes from; one list of link indices a lane. */
export type Head = { bearing: number; lanes: number[][] };
export type Heads = { key: string; heads: readonly Head[] };
export const NO_HEADS: Heads = { key: '', heads: [] };

type Approach = { heading?: unknown; lanes?: unknown };

/** From the controller's `approaches`; what cannot be read is left out, and the lamps are then shown without places. */
export function headsOf(entity: Entity): Heads {
  const approaches = valueOf(entity, 'approaches');
  if (!Array.isArray(approaches)) return NO_HEADS;
  const heads = (approaches as Approach[]).flatMap((approach) => {
    if (typeof approach?.heading !== 'number' || !Array.isArray(approach.lanes)) return [];
    const lanes = (approach.lanes as { links?: unknown }[]).map((lane) => (Array.isArray(lane?.links) ? lane.links.filter((n): n is number => Number.isInteger(n)) : []));
    return [{ bearing: (approach.heading + 180) % 360, lanes: lanes.filter((links) => links.length > 0) }];
  });
  return { key: heads.length ? entity.id : '', heads };
}

/** A lane shows green when any of its ways is open, else yellow when any is closing. */
export function laneLamp(letters: string, links: readonly number[]): Lamp {
  const lamps = links.map((index) => lampOf(letters[index] ?? ''));
  return (['green', 'yellow', 'red'] as const).find((lamp) => lamps.includes(lamp)) ?? 'off';
}
