/** Fails unless `dist/` is, to the bit, what the sources build. */

import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const committed = join(root, "dist");
const fresh = await mkdtemp(join(tmpdir(), "nsqadmin-ui-"));
try {
  await build({ root, logLevel: "error", build: { outDir: fresh, emptyOutDir: true } });
  const names = new Set([...(await readdir(committed)), ...(await readdir(fresh))]);
  const different = [];
  for (const name of [...names].sort()) {
    const [a, b] = await Promise.all([committed, fresh].map((dir) => readFile(join(dir, name)).catch(() => null)));
    if (a === null) different.push(`${name} is not committed`);
    else if (b === null) different.push(`${name} is not built any more`);
    else if (!a.equals(b)) different.push(`${name} differs`);
  }
  if (different.length > 0) {
    console.error(`dist/ is not what the sources build; run npm run build.\n  ${different.join("\n  ")}`);
    process.exitCode = 1;
  } else console.log(`dist/: ${names.size} files are what the sources build`);
} finally {
  await rm(fresh, { recursive: true, force: true });
}
