// Copies what the pages load from node_modules to api/console/static/vendor, run by `npm install` and `npm ci`.
import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "..", "node_modules");
const vendor = join(here, "static", "vendor");

const files = {
  "htmx.org/dist/htmx.min.js": "htmx.min.js",
  "idiomorph/dist/idiomorph.min.js": "idiomorph.min.js",
  "leaflet/dist/leaflet.js": "leaflet.js",
  "leaflet/dist/leaflet.css": "leaflet.css",
  "leaflet/dist/images": "images",
  "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
  "uplot/dist/uPlot.min.css": "uplot.min.css",
  "gcoord/dist/gcoord.global.prod.js": "gcoord.min.js",
  "swagger-ui-dist/swagger-ui-bundle.js": "swagger-ui.min.js",
  "swagger-ui-dist/swagger-ui.css": "swagger-ui.min.css",
};

await rm(vendor, { recursive: true, force: true });
await mkdir(vendor, { recursive: true });
for (const [from, to] of Object.entries(files)) {
  await cp(join(modules, from), join(vendor, to), { recursive: true });
}
