// Writes a gzipped file beside everything that was built, so that the server need not compress.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const folder = new URL("../src/sterna/server/console/", import.meta.url);
for (const name of readdirSync(folder, { recursive: true })) {
  if (/\.(js|css|html|svg)$/.test(name)) {
    const file = new URL(name, folder);
    writeFileSync(`${file.pathname}.gz`, gzipSync(readFileSync(file), { level: 9 }));
  }
}
