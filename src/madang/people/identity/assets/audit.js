// Proofs of the audit log, computed here and not believed: RFC 9162 (2.1.3.2, 2.1.4.2), C2SP signed-note. The last checkpoint
// that this browser saw is kept, so that a log which was made anew is found out.
const decode = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const hash = async (...parts) => new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(parts).arrayBuffer()));
const leafHash = (leaf) => hash(new Uint8Array([0]), new TextEncoder().encode(leaf));
const nodeHash = (left, right) => hash(new Uint8Array([1]), left, right);

async function ask(path) {
  const answer = await fetch(`/madang/v1/audit/${path}`);
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function readNote(note) {
  const [origin, size, root] = note.split('\n');
  return { text: note.slice(0, note.indexOf('\n\n') + 1), origin, size: Number(size), root: decode(root), lines: note.split('\n\n')[1].split('\n') };
}

async function signed(note, verifier) {
  const [name, id, key] = verifier.split('+').length > 2 ? [verifier.split('+')[0], verifier.split('+')[1], verifier.split('+').slice(2).join('+')] : [];
  const line = note.lines.find((one) => one.startsWith(`\u2014 ${name} `));
  if (!line || note.origin !== name) return false;
  const signature = decode(line.split(' ')[2]);
  const hex = [...signature.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const publicKey = await crypto.subtle.importKey('raw', decode(key).slice(1), { name: 'Ed25519' }, false, ['verify']);
  return hex === id && crypto.subtle.verify({ name: 'Ed25519' }, publicKey, signature.slice(4), new TextEncoder().encode(note.text));
}

async function includes(leaf, index, size, path, root) {
  if (index >= size) return false;
  let place = BigInt(index), last = BigInt(size) - 1n, found = await leafHash(leaf);
  for (const step of path) {
    if (last === 0n) return false;
    if (place % 2n === 1n || place === last) {
      found = await nodeHash(step, found);
      while (place % 2n === 0n && place !== 0n) { place >>= 1n; last >>= 1n; }
    } else found = await nodeHash(found, step);
    place >>= 1n; last >>= 1n;
  }
  return last === 0n && same(found, root);
}

async function extendsIt(old, fresh, path) {
  if (old.size === fresh.size) return same(old.root, fresh.root);
  if (old.size > fresh.size) return false;
  if (old.size === 0) return true;
  let place = BigInt(old.size) - 1n, last = BigInt(fresh.size) - 1n;
  while (place % 2n === 1n) { place >>= 1n; last >>= 1n; }
  const steps = [...path];
  const first = (old.size & (old.size - 1)) === 0 ? old.root : steps.shift();
  let before = first, after = first;
  for (const step of steps) {
    if (last === 0n) return false;
    if (place % 2n === 1n || place === last) {
      before = await nodeHash(step, before);
      after = await nodeHash(step, after);
      while (place % 2n === 0n && place !== 0n) { place >>= 1n; last >>= 1n; }
    } else after = await nodeHash(after, step);
    place >>= 1n; last >>= 1n;
  }
  return last === 0n && same(before, old.root) && same(after, fresh.root);
}

async function newest() {
  const { note, key } = await ask('checkpoint');
  const read = readNote(note);
  if (!(await signed(read, key))) throw new RangeError('signature');
  return { ...read, key };
}

async function checkLog(words) {
  const fresh = await newest();
  const kept = JSON.parse(localStorage.getItem('madang-audit') || 'null');
  let sign = words.good;
  if (kept && (kept.key !== fresh.key || !(await grew({ size: kept.size, root: decode(kept.root) }, fresh)))) throw new RangeError('grown');
  if (kept) sign = words.grown.replace('{old}', kept.size);
  localStorage.setItem('madang-audit', JSON.stringify({ key: fresh.key, size: fresh.size, root: btoa(String.fromCharCode(...fresh.root)) }));
  return sign.replace('{size}', fresh.size);
}

async function grew(old, fresh) {
  const path = old.size && old.size < fresh.size ? (await ask(`proof/consistency?old=${old.size}&new=${fresh.size}`)).proof.map(decode) : [];
  return extendsIt(old, fresh, path);
}

async function checkEntry(words, section) {
  const fresh = await newest(), index = Number(section.dataset.seq);
  const path = (await ask(`proof/inclusion?index=${index}&size=${fresh.size}`)).proof.map(decode);
  if (!(await includes(section.querySelector('[data-leaf]').textContent, index, fresh.size, path, fresh.root))) throw new RangeError('proof');
  return words.good.replace('{size}', fresh.size);
}

for (const section of document.querySelectorAll('[data-audit]')) {
  const told = section.querySelector('[role=status]'), words = section.dataset;
  told.hidden = false;
  told.textContent = words.checking;
  try {
    told.textContent = await (words.audit === 'log' ? checkLog(words) : checkEntry(words, section));
    told.className = 'good';
  } catch (error) {
    // A RangeError is a proof that does not hold; anything else is a browser or a network that cannot tell.
    told.textContent = error instanceof RangeError ? words.bad : `${words.unable} (${error.message || error.name})`;
    if (error instanceof RangeError) told.className = 'error';
  }
}
