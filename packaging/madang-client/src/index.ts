// A typed client of one city: every path, parameter and answer is what its OpenAPI document says.
import createClient, { type Client } from 'openapi-fetch';
import type { components, paths } from './schema.js';

export type City = Client<paths>;
export type Schemas = components['schemas'];

/** `url`: the city's address. `token`: an access token; without one a city shows what is open to everybody. */
export function connect(url: string, token?: string, fetcher: typeof fetch = fetch): City {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  return createClient<paths>({ baseUrl: url.replace(/\/$/, ''), headers, fetch: (request) => fetcher(request) });
}
