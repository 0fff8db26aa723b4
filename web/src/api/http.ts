/** The page's only way to ask the gateway something. Addresses are relative: the page works behind any prefix. */

const TIMEOUT_MS = 10_000;

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }
}

export function address(path: string): URL {
  return new URL(path.replace(/^\//, ''), document.baseURI);
}

export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, { headers: { accept: 'application/json' } }, signal);
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask<T>(path, { method: 'POST', headers: { accept: 'application/json', 'content-type': 'application/json' }, ...content });
}

async function ask<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(address(path), { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  const text = await response.text();
  if (!response.ok) throw problemOf(response.status, response.statusText, text);
  return (text ? JSON.parse(text) : null) as T;
}

function problemOf(status: number, statusText: string, text: string): Problem {
  try {
    const body = JSON.parse(text) as { title?: string; detail?: string };
    return new Problem(status, body.title ?? statusText, body.detail ?? '');
  } catch {
    return new Problem(status, statusText || `HTTP ${status}`, '');
  }
}
