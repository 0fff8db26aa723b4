// Writes the licence texts of what is built into the page: they must travel with the wheel.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const PARTS = ['maplibre-gl', 'pmtiles', 'fflate', 'svelte', 'uplot', 'three', '3d-tiles-renderer'];
// Packages that ship no licence file: the holder, and whose printed terms are the same.
const UNPRINTED = { pmtiles: 'Copyright 2021 Protomaps LLC. The same terms (BSD-3-Clause) as printed above for maplibre-gl.' };
const texts = PARTS.map((name) => {
  const folder = `node_modules/${name}`;
  const { version, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(`${folder}/${file}`, 'utf8').trim() : UNPRINTED[name];
  if (!text) throw new Error(`no licence text for ${name}`);
  return `${name} ${version} (${license})\n\n${text}\n`;
});
writeFileSync('public/licences.txt', texts.join(`\n${'-'.repeat(72)}\n\n`));
