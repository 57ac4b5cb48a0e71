import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Tells the service worker which files make up the offline shell, and names its cache after their content,
 * so that a new build replaces the old cache as a whole.
 */
function shellList(): Plugin {
  return {
    name: 'vigilar-shell-list',
    generateBundle(_options, bundle): void {
      const worker = bundle['sw.js'];
      if (worker?.type !== 'chunk') return;
      const files = Object.keys(bundle)
        .filter((name) => name.startsWith('assets/') && !name.includes('hls'))
        .sort();
      const shell = files.map((name) => `/${name}`);
      const build = createHash('sha256').update(files.join('\n')).update(worker.code).digest('hex').slice(0, 12);
      worker.code = worker.code
        .replace(/["'`]__SHELL_FILES__["'`]/, JSON.stringify(JSON.stringify(shell)))
        .replace('__BUILD_ID__', build);
    },
  };
}

/** Writes .gz and .br beside every text file: the server sends what the browser takes and compresses nothing itself. */
function compressed(): Plugin {
  let folder = '';
  return {
    name: 'vigilar-compressed',
    apply: 'build',
    configResolved(config): void {
      folder = config.build.outDir;
    },
    closeBundle(): void {
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        if (!/\.(js|css|html|svg|webmanifest)$/.test(name)) continue;
        const data = readFileSync(join(folder, name));
        writeFileSync(join(folder, `${name}.gz`), gzipSync(data, { level: 9 }));
        writeFileSync(join(folder, `${name}.br`), brotliCompressSync(data));
      }
    },
  };
}

export default defineConfig({
  root: here('.'),
  base: '/',
  publicDir: 'public',
  plugins: [shellList(), compressed()],
  build: {
    outDir: here('../vigilar_web/static'),
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    assetsInlineLimit: 0, // a data: URL would need a weaker Content-Security-Policy
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { index: here('index.html'), sw: here('src/sw/sw.ts') },
      output: {
        entryFileNames: (chunk) => (chunk.name === 'sw' ? 'sw.js' : 'assets/[name]-[hash].js'),
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
});
