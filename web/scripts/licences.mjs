// Writes the licence texts of what is built into the page: they must travel with the wheel.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const PARTS = ['maplibre-gl', 'pmtiles', 'fflate', 'svelte', 'uplot'];
const texts = PARTS.map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : '(no licence file in the package)';
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync('public/licences.txt', texts.join(`\n${'-'.repeat(72)}\n\n`));
