/** Fails when the built pages are larger than they may be. Sizes are of gzip's best level. */

import { readdir, readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const KB = 1000;
/** What a first visit loads, everything, and the styles: target and hard limit. */
const BUDGETS = [
  { name: "first load", target: 60 * KB, hard: 80 * KB, holds: (file) => !/^(plot|Tail|Publish)-/.test(file) },
  { name: "all files", target: 100 * KB, hard: 120 * KB, holds: () => true },
  { name: "styles", target: 8 * KB, hard: 12 * KB, holds: (file) => file.endsWith(".css") },
];

const dist = new URL("../dist/", import.meta.url);
const sizes = new Map();
for (const file of await readdir(dist)) {
  const content = await readFile(new URL(file, dist));
  sizes.set(file, gzipSync(content, { level: 9 }).length);
}

for (const { name, target, hard, holds } of BUDGETS) {
  let sum = 0;
  for (const [file, size] of sizes) if (holds(file)) sum += size;
  const verdict = sum > hard ? "TOO LARGE" : sum > target ? "above target" : "ok";
  console.log(
    `${name.padEnd(12)} ${(sum / KB).toFixed(1)} kB of ${target / KB} kB, at most ${hard / KB} kB: ${verdict}`,
  );
  if (sum > hard) process.exitCode = 1;
}
