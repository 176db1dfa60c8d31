import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** Built into the Python package, which serves it; while developing, the API of a running server. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/sterna/server/console",
    emptyOutDir: true,
    manifest: true,
    chunkSizeWarningLimit: 1000,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8036" } },
});
