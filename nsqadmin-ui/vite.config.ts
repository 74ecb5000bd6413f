import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

/**
 * Makes the page what the server expects: flat files, named `static/<name>` relative to the base URL, and `src/theme.js`
 * under a hashed name without making a module of it, because it has to block: the page is never painted in the wrong
 * theme.
 */
function servedPage(): Plugin {
  const source = readFileSync(new URL("src/theme.js", import.meta.url), "utf8");
  const text = source
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/\n\s*/g, "\n")
    .trim();
  const name = `theme-${createHash("sha256").update(text).digest("hex").slice(0, 8)}.js`;
  return {
    name: "served-page",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      this.emitFile({ type: "asset", fileName: name, source: `${text}\n` });
      const page = bundle["index.html"];
      if (page?.type !== "asset") return;
      page.source = String(page.source)
        .replace(/src="[^"]*theme\.js"/, `src="./${name}"`)
        .replaceAll(/ crossorigin/g, "")
        .replaceAll(/(src|href)="\.\//g, '$1="static/');
    },
  };
}

const server = process.env["NSQADMIN"] ?? "http://127.0.0.1:4171";

export default defineConfig({
  // Relative to `<base href>` in the page and to the importing file in scripts, so that any base path works.
  base: "./",
  plugins: [servedPage()],
  build: {
    target: "es2022",
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: "app-[hash].js",
        chunkFileNames: "[name]-[hash].js",
        assetFileNames: "[name]-[hash][extname]",
      },
    },
  },
  server: {
    proxy: Object.fromEntries(["/api", "/config", "/ping", "/render"].map((path) => [path, { target: server }])),
  },
  test: { include: ["tests/unit/**/*.test.ts"] },
});
