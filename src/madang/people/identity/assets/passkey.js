// Passkeys need a script; everything else on these pages works without. Every form of this script carries its data.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (one) => one.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

function opened(options) {
  const out = { ...options, challenge: bytes(options.challenge) };
  if (out.user) out.user = { ...out.user, id: bytes(out.user.id) };
  for (const list of ['excludeCredentials', 'allowCredentials'])
    if (out[list]) out[list] = out[list].map((one) => ({ ...one, id: bytes(one.id) }));
  return out;
}

function packed(credential) {
  const { response } = credential;
  const out = { id: credential.id, rawId: text(credential.rawId), type: credential.type, response: { clientDataJSON: text(response.clientDataJSON) } };
  for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle'])
    if (response[name]) out.response[name] = text(response[name]);
  return out;
}

async function send(address, body) {
  const answer = await fetch(address, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail || told.title);
  return told;
}

async function run(form) {
  const { csrf, next, name } = Object.fromEntries(new FormData(form));
  const address = form.dataset.passkey;
  const { ceremony, options } = await send(`${address}/options`, { csrf });
  const publicKey = opened(options);
  const credential = form.dataset.make === 'yes' ? await navigator.credentials.create({ publicKey }) : await navigator.credentials.get({ publicKey });
  const told = await send(address, { csrf, next, name, ceremony, credential: packed(credential) });
  location.assign(told.next);
}

for (const form of document.querySelectorAll('form[data-passkey]')) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const place = form.querySelector('[role=alert]');
    place.textContent = '';
    try {
      await run(form);
    } catch (error) {
      place.textContent = `${form.dataset.failed} (${error.message})`;
    }
  });
}
