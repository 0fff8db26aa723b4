import { describe, expect, it } from 'vitest';
import type { IncidentRow } from '../src/api/types';
import { limitOf, placeOf } from '../src/operations/clock';

const row: IncidentRow = {
  id: 1, kind: 'fire', severity: 'high', title: '불', state: 'open', location: { type: 'Point', coordinates: [24.94, 60.17] },
  openedAt: '2026-03-02T03:00:00.000Z', acknowledgeBy: '2026-03-02T03:03:00.000Z', resolveBy: '2026-03-02T05:00:00.000Z',
};
const at = (time: string) => Date.parse(`2026-03-02T${time}.000Z`);

describe('the clock of an incident', () => {
  it('counts down to the limit that comes next, and up after it', () => {
    expect(limitOf(row, at('03:00:01'))).toEqual({ what: 'acknowledge', minutes: 3, late: false });
    expect(limitOf(row, at('03:03:01'))).toEqual({ what: 'acknowledge', minutes: 1, late: true });
    expect(limitOf({ ...row, state: 'acknowledged' }, at('04:00:00'))).toEqual({ what: 'resolve', minutes: 60, late: false });
  });
  it('knows where an incident is, if anybody does', () => {
    expect([placeOf(row), placeOf({ ...row, location: null })]).toEqual([[24.94, 60.17], null]);
  });
});
