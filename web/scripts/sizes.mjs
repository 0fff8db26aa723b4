// Prints what a browser must load, gzipped, and fails over the budget.
import { readFileSync, readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const FOLDER = '../src/madang/people/static/assets';
const JS_BUDGET_KB = 450;
// Loaded when somebody first asks for three dimensions; the page is not larger for it until then.
const SCENE = /^driver\.js$/;
const SCENE_BUDGET_KB = 220;
let [js, scene] = [0, 0];
for (const name of readdirSync(FOLDER).sort()) {
  const kb = gzipSync(readFileSync(`${FOLDER}/${name}`), { level: 9 }).length / 1000;
  if (name.endsWith('.js')) SCENE.test(name) ? (scene += kb) : (js += kb);
  console.log(`${kb.toFixed(1).padStart(7)} kB  ${name}`);
}
console.log(`${js.toFixed(1).padStart(7)} kB  all JavaScript (budget ${JS_BUDGET_KB})`);
console.log(`${scene.toFixed(1).padStart(7)} kB  three dimensions (budget ${SCENE_BUDGET_KB})`);
if (js > JS_BUDGET_KB || scene > SCENE_BUDGET_KB) process.exit(1);
