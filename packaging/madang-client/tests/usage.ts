// What the compiler must take, and what it must not.
import { connect } from '../src/index.js';

const city = connect('http://localhost:8600', 'token');

export async function usage(): Promise<string[]> {
  const apps = await city.GET('/madang/v1/apps');
  const one = await city.GET('/ngsi-ld/v1/entities/{id}', { params: { path: { id: 'urn:ngsi-ld:Vehicle:x:1' } } });
  const many = await city.GET('/ngsi-ld/v1/entities', { params: { query: { type: 'Vehicle' } } });
  // @ts-expect-error there is no such path
  await city.GET('/madang/v1/nothing');
  // @ts-expect-error the path needs an id
  await city.GET('/ngsi-ld/v1/entities/{id}');
  // @ts-expect-error an app's version is a text
  const wrong: number | undefined = apps.data?.[0]?.version;
  return [String(one.response.status), String(many.response.status), String(wrong)];
}
