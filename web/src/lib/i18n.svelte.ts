/** One catalogue, two languages; the choice is remembered, the browser's language decides at first. */
import en from '../strings/en.json';
import ko from '../strings/ko.json';

export type Language = 'ko' | 'en';
export type Key = keyof typeof en;
type Holes = Record<string, string | number>;

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

export function t(key: Key, holes: Holes = {}): string {
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

function fill(text: string, holes: Holes): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in holes ? String(holes[name]) : whole));
}
