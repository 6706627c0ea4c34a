// Builds what the UI and its tests take from npm: `npm ci && npm run build`. The output is committed.
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import subsetFont from "subset-font";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const modules = join(here, "node_modules");
const integrity = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8")).packages;

/** What goes where: target, its source in node_modules (none: bundled by esbuild), the packages it is made of. */
const ui = [
  ["vendor/preact.js", null, ["preact", "@preact/signals", "@preact/signals-core", "htm"]],
  ["vendor/swagger-ui-bundle.js", "swagger-ui-dist/swagger-ui-bundle.js", ["swagger-ui-dist"]],
  ["vendor/swagger-ui.css", "swagger-ui-dist/swagger-ui.css", ["swagger-ui-dist"]],
  ["vendor/licences/swagger-ui-bundle.txt", "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt", ["swagger-ui-dist"]],
  ["vendor/licences/swagger-ui-notice.txt", "swagger-ui-dist/NOTICE", ["swagger-ui-dist"]],
  ["fonts/inter.woff2", "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2", ["@fontsource-variable/inter"]],
  [
    "fonts/jetbrains-mono.woff2",
    "@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
    ["@fontsource-variable/jetbrains-mono"],
  ],
];
const tests = [["axe.min.js", "axe-core/axe.min.js", ["axe-core"]]];

/** What the pages take of each font: nothing is heavier than 600, and base.css asks for these features alone. */
const FEATURES = ["kern", "mark", "mkmk", "ccmp", "locl"];
const fonts = {
  "fonts/inter.woff2": [...FEATURES, "cv11", "ss03", "tnum"],
  "fonts/jetbrains-mono.woff2": [...FEATURES, "zero"],
};
const WEIGHTS = { wght: { min: 400, max: 600 } };
/** Latin, Latin-1, the letters of French, German and Turkish that stand outside it, punctuation, arrows, euro. */
const GLYPHS = [
  [0x20, 0x7e], [0xa0, 0xff], [0x131, 0x131], [0x152, 0x153], [0x160, 0x161], [0x178, 0x178], [0x17d, 0x17e],
  [0x2c6, 0x2c6], [0x2da, 0x2da], [0x2dc, 0x2dc], [0x2010, 0x203a], [0x20ac, 0x20ac], [0x2122, 0x2122],
  [0x2190, 0x2193], [0x2212, 0x2212], [0xfffd, 0xfffd],
].flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => String.fromCodePoint(first + n))).join("");

const slug = (name) => name.replace(/^@/, "").replaceAll("/", "-");
const sum = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** Writes the files and the lock that names each with its hash, so that a plain test can prove them unchanged. */
async function vendor(base, lockFile, licences, files) {
  const all = [...files];
  for (const name of new Set(files.flatMap(([, , names]) => names))) {
    all.push([`${licences}/${slug(name)}.txt`, `${name}/LICENSE`, [name]]);
  }
  const lock = { files: {}, packages: {} };
  for (const [target, source, names] of all.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const out = join(base, target);
    mkdirSync(dirname(out), { recursive: true });
    if (fonts[target]) {
      const smaller = { targetFormat: "woff2", keepFeatures: fonts[target], variationAxes: WEIGHTS };
      writeFileSync(out, await subsetFont(readFileSync(join(modules, source)), GLYPHS, smaller));
    } else if (source) copyFileSync(join(modules, source), out);
    else {
      await build({
        entryPoints: [join(here, "src", "preact.js")],
        outfile: out,
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        legalComments: "none",
      });
    }
    const bytes = readFileSync(out).length;
    lock.files[relative(base, out).replaceAll("\\", "/")] = { sha256: sum(out), bytes, packages: names };
    for (const name of names) {
      const { version, license } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
      lock.packages[name] = { version, licence: license, integrity: integrity[`node_modules/${name}`].integrity };
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(join(base, lockFile), `${JSON.stringify(lock, null, 2)}\n`);
}

const uiBase = join(root, "assets", "ui");
rmSync(join(uiBase, "vendor"), { recursive: true, force: true });
await vendor(uiBase, "vendor/vendor.lock.json", "vendor/licences", ui);
await vendor(join(root, "tests", "e2e", "vendor"), "vendor.lock.json", "licences", tests);
