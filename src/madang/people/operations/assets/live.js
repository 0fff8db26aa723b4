// Parts of a page that change by themselves (`data-live`: where each is asked for). What cannot be asked for is told within five
// seconds, and with the hour of what is shown; it is asked for again until it comes.
const EVERY_MS = 2000, PATIENCE_MS = 4000;
const clock = () => new Date().toTimeString().slice(0, 8);

function follow(part) {
  const stale = document.getElementById(part.dataset.stale), words = stale.dataset.words;
  let shown = null, shownAt = clock();
  async function look() {
    try {
      const answer = await fetch(part.dataset.live, { signal: AbortSignal.timeout(PATIENCE_MS - EVERY_MS), headers: { accept: 'text/html' } });
      if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
      put(await answer.text());
      shownAt = clock();
      stale.hidden = true;
    } catch {
      stale.textContent = words.replace('{at}', shownAt);
      stale.hidden = false;
    }
    setTimeout(look, EVERY_MS);
  }
  function put(text) {
    if (text === shown) return;
    const first = shown === null, held = part.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    shown = text;
    if (first && part.innerHTML.trim() === text.trim()) return;
    part.innerHTML = text;
    if (held) part.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
  }
  setTimeout(look, EVERY_MS);
}
for (const part of document.querySelectorAll('[data-live]')) follow(part);
