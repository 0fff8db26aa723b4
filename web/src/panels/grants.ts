/** What an app may do, in plain words. */
import type { Grant } from '../api/types';
import { t, tName } from '../lib/i18n.svelte';

export function grantText(grant: Grant): string {
  if (typeof grant === 'string') return grant;
  const type = tName('type', grant.type ?? '*');
  const what = grant.attributes?.length ? `${type} (${grant.attributes.map((name) => tName('attribute', name)).join(', ')})` : type;
  const action = grant.action ?? 'read';
  const key = action === 'read' || action === 'subscribe' ? 'grant.read' : action === 'command' || action === 'act' ? 'grant.command' : 'grant.other';
  const words = [t(key, { what, action })];
  if (grant.purpose) words.push(t('grant.purpose', { purpose: tName('purpose', grant.purpose) }));
  if (grant.rank) words.push(t('grant.rank', { rank: tName('rank', grant.rank) }));
  if (grant.retention_s) words.push(t('grant.retention', { n: Math.round(grant.retention_s / 60) }));
  return words.join(' · ');
}
