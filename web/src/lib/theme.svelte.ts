/** Light, dark or as the system says; remembered. */
import { remember, remembered } from './i18n.svelte';

export type Choice = 'system' | 'light' | 'dark';
const STORE = 'madang.theme';

class Theme {
  choice = $state<Choice>('system');
  #systemDark = $state(false);
  dark = $derived(this.choice === 'dark' || (this.choice === 'system' && this.#systemDark));

  constructor() {
    const kept = remembered(STORE);
    if (kept === 'light' || kept === 'dark') this.choice = kept;
    const query = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = query.matches;
    query.addEventListener('change', (event) => (this.#systemDark = event.matches));
    this.#paint();
  }

  set(choice: Choice): void {
    this.choice = choice;
    remember(STORE, choice);
    this.#paint();
  }

  #paint(): void {
    document.documentElement.dataset['theme'] = this.choice;
  }
}

export const theme = new Theme();
