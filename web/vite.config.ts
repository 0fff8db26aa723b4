import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Stable names, no hashes: the built files are committed and a diff should show what changed.
export default defineConfig({
  plugins: [svelte()],
  base: './',
  build: {
    outDir: '../src/madang/people/static',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      output: {
        entryFileNames: 'assets/[name].js',
        chunkFileNames: 'assets/[name].js',
        assetFileNames: 'assets/[name][extname]',
      },
    },
  },
  server: {
    proxy: {
      ...Object.fromEntries(['/madang', '/ngsi-ld', '/tiles'].map((path) => [path, 'http://127.0.0.1:8765'])),
      '/ws': { target: 'ws://127.0.0.1:8765', ws: true },
    },
  },
  test: { include: ['tests/**/*.test.ts'], environment: 'node' },
});
