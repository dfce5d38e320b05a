// Syntax and references: Terraform and its providers are not to be had everywhere this runs.
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { list, load, read, root, run, withFolder, yaml } from './tools.mjs';

const { parse } = load('@cdktf/hcl2json');

/** What a module declares and what its expressions name. */
async function module(folder, files = list(folder, '.tf').map(name => [name, read(`${folder}/${name}`)])) {
  const declared = new Set(), named = new Map(), variables = {}, outputs = {}, locals = {};
  for (const [file, text] of files) {
    const content = await parse(file, text);
    for (const [name, [body]] of Object.entries(content.variable ?? {})) {
      declared.add(`var.${name}`);
      variables[name] = body;
    }
    for (const block of content.locals ?? []) {
      for (const [name, value] of Object.entries(block)) declared.add(`local.${name}`), (locals[name] = value);
    }
    for (const [type, all] of Object.entries(content.resource ?? {})) for (const name in all) declared.add(`${type}.${name}`);
    for (const kind of ['data', 'ephemeral']) {
      for (const [type, all] of Object.entries(content[kind] ?? {})) for (const name in all) declared.add(`${kind}.${type}.${name}`);
    }
    Object.assign(outputs, content.output);
    collect(content, file, named);
  }
  return { declared, named, variables, outputs, locals };
}

function collect(value, file, named) {
  if (value !== null && typeof value === 'object') return Object.values(value).forEach(inner => collect(inner, file, named));
  if (typeof value !== 'string') return;
  for (const code of expressions(value)) {
    for (const [reference] of code.matchAll(/(?<![\w.])(?:var|local)\.\w+|(?<![\w.])(?:data|ephemeral)\.\w+\.\w+|(?<![\w.])(?:aws|google|random)_\w+\.\w+/g)) {
      named.set(reference, file);
    }
  }
}

/** The code of a template's ${…}, with what stands within its texts taken out of them. */
function expressions(template) {
  const found = [];
  for (let at = 0; (at = template.indexOf('${', at)) >= 0;) {
    if (template[at - 1] === '$') {
      at += 2;
      continue;
    }
    let code = '', depth = 1, i = at + 2;
    for (; depth > 0 && i < template.length; i++) {
      const c = template[i];
      if (c === '"') {
        const end = endOfText(template, i);
        found.push(...expressions(template.slice(i + 1, end)));
        i = end;
        code += '""';
        continue;
      }
      depth += c === '{' ? 1 : c === '}' ? -1 : 0;
      code += c;
    }
    found.push(code);
    at = i;
  }
  return found;
}

function endOfText(code, start) {
  for (let i = start + 1; i < code.length; i++) {
    if (code[i] === '\\') i++;
    else if (code[i] === '"') return i;
    else if (code[i] === '$' && code[i + 1] === '{' && code[i - 1] !== '$') {
      for (let depth = 1, j = i + 2; ; j++) {
        if (j >= code.length) return code.length;
        if (code[j] === '"') j = endOfText(code, j);
        else depth += code[j] === '{' ? 1 : code[j] === '}' ? -1 : 0;
        if (depth === 0) {
          i = j;
          break;
        }
      }
    }
  }
  return code.length;
}

const modules = ['deploy/terraform/ecs', 'deploy/terraform/cloud-run'];

for (const folder of modules) {
  test(`${folder}: what is named is declared, what is declared as a value is named`, async () => {
    const { declared, named } = await module(folder);
    assert.deepEqual([...named.keys()].filter(name => !declared.has(name)), []);
    const values = [...declared].filter(name => /^(var|local|ephemeral|data)\./.test(name));
    assert.deepEqual(values.filter(name => !named.has(name)), []);
  });

  test(`${folder}: variables and outputs say what they are, and no secret has a default`, async () => {
    const { variables, outputs } = await module(folder);
    for (const [name, body] of Object.entries(variables)) {
      assert.ok(body.description && body.type, name);
      assert.doesNotMatch(name, /password|token|secret_value/);
    }
    for (const [name, [body]] of Object.entries(outputs)) assert.ok(body.description && body.value, name);
  });

  test(`${folder}: generated secrets stay out of the state`, () => {
    const text = read(`${folder}/main.tf`);
    assert.doesNotMatch(text, /resource "random_password"/);
    for (const [line] of text.matchAll(/^.*ephemeral\.random_password\..*$/gm)) assert.match(line, /^\s*\w+_wo\s+=/);
  });

  test(`${folder}: gateway.yaml.tftpl is given what it names, and the gateway reads it`, () => {
    const template = read(`${folder}/gateway.yaml.tftpl`);
    const call = /templatefile\("\$\{path\.module\}\/gateway\.yaml\.tftpl", \{\n([\s\S]*?)\n {2}\}\)/.exec(read(`${folder}/main.tf`))[1];
    const given = [...call.matchAll(/^\s*(\w+)\s+=/gm)].map(m => m[1]);
    const text = template.replaceAll('$${', '\0');
    const asked = [...text.matchAll(/[$%]\{(?: ?if )? ?(?:jsonencode\()?(\w+)/g)].map(m => m[1]).filter(name => name !== 'endif' && name !== 'if');
    assert.deepEqual([...new Set(asked)].sort(), given.sort());
    const sample = {
      public_url: 'https://claude.example.com', load_balancer_cidrs: ['10.0.0.0/24'], proxy_only_cidr: '10.9.0.0/23', drain_delay_seconds: 15,
      drain_seconds: 95, oidc_issuer: 'https://accounts.google.com', oidc_client_id: 'id', allowed_email_domains: ['example.com'],
      database_address: 'db.example.com', region: 'eu-central-1', inference_profile: 'eu', model_region: 'global', project: 'my-project' };
    const rendered = text.replace(/%\{[^}]*\}\n/g, '')
      .replace(/\$\{jsonencode\((\w+)\)\}/g, (_, name) => JSON.stringify(sample[name])).replace(/\$\{(\w+)\}/g, (_, name) => sample[name])
      .replaceAll('\0', '${');
    assert.ok(yaml(rendered).listen.public_url);
    const program = join(root, 'dist/claude-gateway');
    if (!existsSync(program)) return;
    withFolder(place => {
      const file = join(place, 'gateway.yaml');
      writeFileSync(file, rendered);
      const { status, text: said } = run('env', `JWT_SECRET=${'x'.repeat(64)}`, 'OIDC_CLIENT_SECRET=s', 'DATABASE_PASSWORD=p', program, 'check', '--config', file);
      assert.equal(status, 0, said);
      assert.match(said, /^ok$/m); // beside what it warns of about a provider
    });
  });
}

test('the check of references finds a misspelt one, and a value nobody uses', async () => {
  const { declared, named } = await module('', [['a.tf', 'variable "x" {}\nresource "aws_lb" "y" {\n  name = "${var.z}-lb"\n}\noutput "o" {\n  value = aws_lb.w.arn\n}\n']]);
  assert.deepEqual([...named.keys()].filter(name => !declared.has(name)).sort(), ['aws_lb.w', 'var.z']);
  assert.ok(!named.has('var.x'));
  await assert.rejects(async () => parse('a.tf', 'resource "aws_lb" {{'));
});

test('ECS: readiness delay and drain fit into the two minutes that Fargate gives', async () => {
  const { locals } = await module('deploy/terraform/ecs');
  assert.ok(locals.stop_timeout <= 120);
  assert.ok(locals.drain_delay_seconds + locals.drain_seconds + 10 <= locals.stop_timeout);
});

test('Cloud Run: the drain fits into the ten seconds that it gives', () => {
  const text = read('deploy/terraform/cloud-run/main.tf');
  assert.ok(Number(/CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS"\n\s+value = "(\d+)"/.exec(text)[1]) < 10_000);
  assert.doesNotMatch(read('deploy/terraform/cloud-run/gateway.yaml.tftpl'), /drain_delay_seconds/);
});
