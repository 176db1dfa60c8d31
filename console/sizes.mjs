// Prints what each page costs on its first load, gzipped, and fails above the limit.
// A page is the entry and its own chunk with everything these import. Beside it: with what the page
// fetches once it is there and works, the drawing of charts and the dialogs.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 300;
const folder = new URL("../src/sterna/server/console/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", folder), "utf8"));

const entry = Object.keys(manifest).find((key) => manifest[key].isEntry);
const gzipped = new Map();
function kilobytes(file) {
  if (!gzipped.has(file)) {
    gzipped.set(file, gzipSync(readFileSync(new URL(file, folder))).length / 1000);
  }
  return gzipped.get(file);
}

/** All files that are loaded with a chunk; with `later` also what it imports dynamically. */
function filesOf(key, later, seen = new Set()) {
  if (seen.has(key)) return seen;
  seen.add(key);
  const chunk = manifest[key];
  for (const next of chunk.imports ?? []) filesOf(next, later, seen);
  if (later && key !== entry) for (const next of chunk.dynamicImports ?? []) filesOf(next, later, seen);
  return seen;
}

function total(keys) {
  const files = new Set();
  for (const key of keys) {
    files.add(manifest[key].file);
    for (const style of manifest[key].css ?? []) files.add(style);
  }
  return [...files].reduce((sum, file) => sum + kilobytes(file), 0);
}

const pages = Object.keys(manifest).filter((key) => key.startsWith("src/pages/")).sort();
const base = filesOf(entry, false);
let tooLarge = 0;
for (const page of pages) {
  const first = total(new Set([...base, ...filesOf(page, false)]));
  const whole = total(new Set([...base, ...filesOf(page, true)]));
  const mark = first > LIMIT_KB ? "  TOO LARGE" : "";
  const later = whole > first ? `, ${whole.toFixed(0)} KB with what it loads later` : "";
  console.log(`${page.padEnd(40)} ${first.toFixed(0).padStart(4)} KB${later}${mark}`);
  tooLarge += first > LIMIT_KB ? 1 : 0;
}
rmSync(new URL(".vite", folder), { recursive: true });
if (tooLarge) {
  console.error(`${tooLarge} pages are larger than ${LIMIT_KB} KB on their first load.`);
  process.exit(1);
}
