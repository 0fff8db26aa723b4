/** Numbers, ages and times as people read them. */
import { t, type Language } from './i18n.svelte';

const UNITS: Readonly<Record<string, string>> = {
  KMH: 'km/h', MTR: 'm', SEC: 's', CEL: '°C', MMT: 'mm', MTS: 'm/s', GQ: 'µg/m³', '2N': 'dB', P1: '%', DD: '°', HZ: 'Hz',
};

/** Units the Smart Data Models fix by definition when a device leaves them out. */
const IMPLIED: Readonly<Record<string, string>> = {
  pm25: 'µg/m³', pm10: 'µg/m³', no2: 'µg/m³', LAeq: 'dB', temperature: '°C', precipitation: 'mm', windSpeed: 'm/s',
  averageVehicleSpeed: 'km/h', speed: 'km/h', heading: '°', delay: 's', height: 'm', kpiValue: 's', delayRecent: 's',
};

export function unitText(code: string, attribute: string): string {
  return code ? (UNITS[code] ?? code) : (IMPLIED[attribute] ?? '');
}

/** Shares from 0 to 1 that people read as per cent. */
const SHARES: ReadonlySet<string> = new Set(['occupancy', 'relativeHumidity']);

export function quantity(value: number, code: string, attribute: string): string {
  if (SHARES.has(attribute) && !code && value >= 0 && value <= 1) return `${number(value * 100)} %`;
  return `${number(value, 2)} ${unitText(code, attribute)}`.trim();
}

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value.toLocaleString('en', { minimumFractionDigits: 0, maximumFractionDigits: digits });
}

export function age(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 0) return t('age.ahead');
  if (seconds < 90) return t('age.s', { n: Math.round(seconds) });
  if (seconds < 5400) return t('age.min', { n: Math.round(seconds / 60) });
  if (seconds < 48 * 3600) return t('age.h', { n: Math.round(seconds / 3600) });
  if (seconds < 400 * 86400) return t('age.d', { n: Math.round(seconds / 86400) });
  return t('age.y', { n: Math.round((seconds / (365.25 * 86400)) * 10) / 10 });
}

function parts(language: Language, zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = language === 'ko' ? 'ko-KR' : 'en-GB';
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' });
  }
}

export function clock(time: number, zone: string, seconds = true): string {
  const options: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
  return parts('en', zone, seconds ? { ...options, second: '2-digit' } : options).format(time);
}

export function date(time: number, zone: string, language: Language): string {
  return parts(language, zone, { year: 'numeric', month: 'short', day: 'numeric', weekday: 'short' }).format(time);
}
