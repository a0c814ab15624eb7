import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { defineConfig } from "vite";

const web = join(import.meta.dirname, "../..");

/** The preview of the screens: `npx vite -c tests/preview/vite.config.ts`, then /tests/preview/?unlocked&scene=usual. */
export default defineConfig({
  root: web,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  server: { port: 5179, strictPort: true },
  plugins: [
    {
      name: "demonstration-patient",
      configureServer(server) {
        const patient = gunzipSync(readFileSync(join(web, "../medrec_py/demo/patient.json.gz")));
        server.middlewares.use("/patient.json", (_, response) => {
          response.setHeader("Content-Type", "application/json");
          response.end(patient);
        });
      },
    },
  ],
});
