// Hashed files below /assets/, no inline code (the server's CSP forbids it), no polyfill
// of module preloading: every browser that we name can do it.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, modulePreload: { polyfill: false }, assetsInlineLimit: 0, target: "es2022" },
});
