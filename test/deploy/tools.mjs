// The repository's files and the installed tools, for the tests beside this file. DEPLOY_TOOLS is set by ./dev deploy-check.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const tools = process.env.DEPLOY_TOOLS ?? join(root, '.dev', 'deploy');
const require = createRequire(join(tools, 'package.json'));

export const load = name => require(name);
export const importPackage = async (name, file) =>
  import(pathToFileURL(join(dirname(require.resolve(`${name}/package.json`)), file)).href);
export const read = path => readFileSync(join(root, path), 'utf8');
export const list = (folder, end) => readdirSync(join(root, folder)).filter(name => name.endsWith(end)).sort();

// YAML with duplicate keys refused; anchors as they are.
export const yaml = text => load('yaml').parse(text);
export const yamlDocuments = text =>
  load('yaml').parseAllDocuments(text).map(document => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  }).filter(content => content !== null);

/** The exit code and everything a program printed. */
export function run(program, ...args) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd: root, encoding: 'utf8', timeout: 60_000 });
  if (error) throw error;
  return { status, text: stdout + stderr };
}

/** A folder that is gone when `use` has ended. */
export function withFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-check-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The chart's files by name, each as text; throws what the chart itself refuses. */
export function renderChart(...overlays) {
  return withFolder(folder => {
    const files = overlays.map((values, i) => {
      const file = join(folder, `values-${i}.json`);
      writeFileSync(file, JSON.stringify(values));
      return file;
    });
    return JSON.parse(execFileSync(
      join(tools, 'render'),
      [join(root, 'deploy/helm/claude-gateway'), 'claude-gateway', 'claude-gateway', ...files],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }));
  });
}

export const exampleValues = () => yaml(read('deploy/helm/example-values.yaml'));

/** Every object of a rendered chart, by kind. */
export function objects(rendered) {
  const found = {};
  for (const [name, text] of Object.entries(rendered)) {
    for (const object of name.endsWith('.yaml') ? yamlDocuments(text) : []) (found[object.kind] ??= []).push(object);
  }
  return found;
}
