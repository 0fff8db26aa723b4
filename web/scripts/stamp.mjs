// Writes beside the build what it was made of; tests/people/test_build.py computes the same and compares.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const FOLDERS = ['src', 'public'];
const FILES = ['index.html', 'package-lock.json', 'svelte.config.js', 'vite.config.ts'];
const inside = (folder) =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? inside(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`],
  );
const hash = createHash('sha256');
for (const path of [...FILES, ...FOLDERS.flatMap(inside)].sort()) hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
writeFileSync('../src/madang/people/static/sources.sha256', `${hash.digest('hex')}\n`);
