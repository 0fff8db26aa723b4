import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../dist/index.js';

test('it asks where it was told to, with its token, and gives what was answered', async () => {
  const asked = [];
  const answer = async (request) => {
    asked.push([request.method, request.url, request.headers.get('authorization')]);
    return Response.json([{ id: 'urn:ngsi-ld:Vehicle:x:1', type: 'Vehicle' }]);
  };
  const { data } = await connect('http://city.example/', 'secret', answer).GET('/ngsi-ld/v1/entities', { params: { query: { type: 'Vehicle' } } });
  assert.deepEqual(asked, [['GET', 'http://city.example/ngsi-ld/v1/entities?type=Vehicle', 'Bearer secret']]);
  assert.deepEqual(data, [{ id: 'urn:ngsi-ld:Vehicle:x:1', type: 'Vehicle' }]);
});

test('what is refused is told as a problem', async () => {
  const refuse = async () => Response.json({ title: 'Not granted', status: 403 }, { status: 403 });
  const { data, error, response } = await connect('http://city.example', undefined, refuse).GET('/madang/v1/apps');
  assert.deepEqual([data, error, response.status], [undefined, { title: 'Not granted', status: 403 }, 403]);
});
