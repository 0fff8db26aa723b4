/** One catalogue, two languages; the choice is remembered, the browser's language decides at first. */
import en from '../strings/en.json';
import ko from '../strings/ko.json';

import type { AppInfo, Names, Parameters, Receipt, Why } from '../api/types';

export type Language = 'ko' | 'en';
export type Key = keyof typeof en;

const STORE = 'madang.language';
const texts: Record<Language, Record<string, string>> = { ko, en };

function first(): Language {
  const kept = remembered(STORE);
  if (kept === 'ko' || kept === 'en') return kept;
  return navigator.languages.some((l) => l.toLowerCase().startsWith('ko')) ? 'ko' : 'en';
}

export function remembered(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    /* private window: the choice lives as long as the page */
  }
}

class I18n {
  language = $state<Language>(first());

  set(language: Language): void {
    this.language = language;
    remember(STORE, language);
    document.documentElement.lang = language;
  }
}

export const i18n = new I18n();

export function t(key: Key, holes: Parameters = {}): string {
  return fill(texts[i18n.language][key] ?? key, holes);
}

/** For names that come from outside (types, states, attributes): the catalogue's word, else the name itself. */
export function tName(prefix: string, name: string): string {
  return texts[i18n.language][`${prefix}.${name}`] ?? name;
}

/** A part of the system by its people's name; an app (`app:org.example.signals`) by the last word of its id. */
export function componentName(id: string): string {
  return tName('component', id.replace(/^app:/, '').split('.').pop() ?? id);
}

/** Why the city refused or failed: its code in the reader's language, else the sentence it gave. */
export function reasonText(receipt: Receipt): string {
  const text = texts[i18n.language][`reason.${receipt.reason}`];
  return text ? fill(text, receipt.parameters ?? {}) : receipt.detail || receipt.reason || '';
}

/** Why somebody asked: a person's words as they are, a code by the texts of the app that asked, else by ours. */
export function whyText(why: Why, who: string, apps: readonly AppInfo[]): string {
  if (typeof why === 'string') return why;
  const said: Names | undefined = apps.find((app) => who === `app:${app.id}`)?.reasons?.[why.code];
  return fill(said?.[i18n.language] ?? said?.en ?? tName('why', why.code), why.parameters ?? {});
}

function fill(text: string, holes: Parameters): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in holes ? String(holes[name]) : whole));
}
