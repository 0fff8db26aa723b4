/** What an app may do, in plain words. */
import type { Grant } from '../api/types';
import { i18n, t, tName } from '../lib/i18n.svelte';

const KEYS = { read: 'grant.read', write: 'grant.write', command: 'grant.command' } as const;

export function grantText(grant: Grant): string {
  if (typeof grant === 'string') return grant;
  const action = grant.action ?? 'read';
  const subject = grant.kind ? tName('kind', grant.kind) : tName('type', grant.type ?? '*');
  const what = grant.attributes?.length ? `${subject} (${grant.attributes.map((name) => tName('attribute', name)).join(', ')})` : subject;
  const words = [t(action in KEYS ? KEYS[action as keyof typeof KEYS] : 'grant.other', { what, action })];
  const purpose = typeof grant.purpose === 'object' ? (grant.purpose[i18n.language] ?? grant.purpose.en) : grant.purpose;
  if (purpose) words.push(t('grant.purpose', { purpose }));
  if (grant.rank) words.push(t('grant.rank', { rank: tName('rank', grant.rank) }));
  return words.join(' · ');
}
