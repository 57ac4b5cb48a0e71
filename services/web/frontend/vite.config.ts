import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin, type Rolldown } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Tells the service worker which files make up the offline shell, and names its cache after their content,
 * so that a new build replaces the old cache as a whole.
 */
function shellList(): Plugin {
  return {
    name: 'vigilar-shell-list',
    generateBundle: {
      order: 'post',
      handler(_options, bundle): void {
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
    },
  };
}

const FRAME = 'frame';

/** Which address shows which page, where that is not the page's own name; `*` is an id. */
const ADDRESSES: Record<string, string> = { camera: 'cameras/*', event: 'events/*', recording: 'recordings/*' };

/** Files that a chunk needs besides those that are there already. */
function needs(bundle: Rolldown.OutputBundle, file: string, there: ReadonlySet<string>, found = new Set<string>()): Set<string> {
  const chunk = bundle[file];
  if (chunk?.type !== 'chunk' || there.has(file) || found.has(file)) return found;
  found.add(file);
  for (const next of chunk.imports) needs(bundle, next, there, found);
  return found;
}

/**
 * The first picture needs one answer and no code: the styles of the frame stand in index.html (the server allows them by
 * their hash). `preload.json` names each page's code, which the server has the browser fetch beside that of the frame.
 */
function firstView(): Plugin {
  return {
    name: 'vigilar-first-view',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle = {}, chunk }): string {
        // The entry is one line that loads the frame's chunk: the page loads that by itself.
        const [frame, ...more] = chunk?.imports ?? [];
        if (!chunk || !frame || more.length || chunk.code.length > 60) throw new Error('the frame is not one file');
        Reflect.deleteProperty(bundle, chunk.fileName);
        return html
          .replace(/\s*<link rel="modulepreload"[^>]*>/g, '')
          .replace(/<script type="module"[^>]*>/, `<script type="module" async crossorigin src="/${frame}">`) // what is seen first waits for nothing
          .replace(/\s*<link rel="stylesheet"[^>]*href="\/(assets\/[^"]+)"[^>]*>/g, (_link, name: string) => {
            const style = bundle[name];
            if (style?.type !== 'asset') throw new Error(`there is no ${name}`);
            Reflect.deleteProperty(bundle, name);
            return `\n    <style>${String(style.source).trim()}</style>`;
          });
      },
    },
    generateBundle: {
      order: 'post',
      handler(_options, bundle): void {
        const chunks = Object.values(bundle).filter((one) => one.type === 'chunk');
        const frame = chunks.find((one) => one.name === FRAME);
        if (!frame) throw new Error('the frame has no code');
        const there = needs(bundle, frame.fileName, new Set());
        const pages = chunks.flatMap((one) => {
          const page = /\/src\/pages\/([a-z]+)\.ts$/.exec(one.facadeModuleId ?? '')?.[1];
          if (!page || !one.isDynamicEntry) return [];
          return [[ADDRESSES[page] ?? page, [...needs(bundle, one.fileName, there)].map((file) => `/${file}`)] as const];
        });
        this.emitFile({ type: 'asset', fileName: 'preload.json', source: JSON.stringify(Object.fromEntries(pages.sort())) });
      },
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
      folder = config.build.write ? config.build.outDir : '';
    },
    closeBundle(): void {
      if (!folder) return;
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
  plugins: [firstView(), shellList(), compressed()],
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
        // Everything that the frame and its home page need is one file: each further one is a connection on the phone.
        codeSplitting: { groups: [{ name: FRAME, test: /\/src\/begin\.ts$/ }] },
      },
    },
  },
});
