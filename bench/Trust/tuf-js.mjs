// The peer: refresh and one look-up with tuf-js, everything cached, files served from memory. Usage: node tuf-js.mjs FOLDER
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const load = createRequire(path.join(process.cwd(), 'x.js'));
const { Updater, BaseFetcher } = load('tuf-js');
const { DownloadHTTPError } = load(path.join(process.cwd(), 'node_modules/tuf-js/dist/error.js'));
const folder = process.argv[2];
const files = new Map(fs.readdirSync(path.join(folder, 'metadata')).map(f => [f, fs.readFileSync(path.join(folder, 'metadata', f))]));
const kept = path.join(folder, 'client-tuf-js');
fs.mkdirSync(kept, { recursive: true });
fs.writeFileSync(path.join(kept, 'root.json'), files.get('1.root.json'));

class MemoryFetcher extends BaseFetcher {
  async fetch(url) {
    const file = files.get(url.slice(url.lastIndexOf('/') + 1));
    if (file) return new Blob([file]).stream();
    throw new DownloadHTTPError('not found', 404);
  }
}

async function once() {
  const updater = new Updater({ metadataDir: kept, metadataBaseUrl: 'http://memory/metadata', targetDir: kept, targetBaseUrl: 'http://memory/targets', fetcher: new MemoryFetcher() });
  await updater.refresh();
  if (!await updater.getTargetInfo('target-5')) throw new Error('not found');
}

const measured = 1000;
for (let i = 0; i < 200; i++) await once();
const cpu = process.cpuUsage();
const begin = process.hrtime.bigint();
for (let i = 0; i < measured; i++) await once();
const wall = Number(process.hrtime.bigint() - begin) / 1000 / measured;
const used = process.cpuUsage(cpu);
console.log(`refresh and look-up, tuf-js: ${wall.toFixed(1)} µs, of processor time ${((used.user + used.system) / measured).toFixed(1)} µs`);
