import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleValues, list, load, objects, read, renderChart, root, run, withFolder, yaml, yamlDocuments } from './tools.mjs';
import { problemsOf } from './schema.mjs';

const cloud = { eks: { roleArn: 'arn:aws:iam::123456789012:role/gateway' }, gke: { serviceAccount: 'gateway@project.iam.gserviceaccount.com' },
  aks: { clientId: '11111111-2222-3333-4444-555555555555', tenantId: '66666666-7777-8888-9999-000000000000' } };

/** Values that together reach every template and every branch worth one. */
const variants = {
  'the example': {},
  'everything on': {
    imagePullSecrets: [{ name: 'registry' }], image: { digest: 'sha256:' + 'a'.repeat(64) },
    env: [{ name: 'A', value: 'b' }], envFrom: [{ secretRef: { name: 'more' } }],
    ingress: { enabled: true }, service: { annotations: { a: 'b' } }, serviceAccount: { annotations: { a: 'b' } },
    metrics: { podMonitor: { enabled: true, labels: { release: 'prometheus' } }, dashboard: { enabled: true, json: '{}' },
      rules: { enabled: true, groups: 'groups:\n- name: a\n  rules:\n  - alert: b\n    expr: up == 0\n', labels: { release: 'prometheus' } } },
    networkPolicy: { extraEgress: [{ ports: [{ port: 3128 }] }], postgresTo: [{ ipBlock: { cidr: '10.1.0.0/16' } }],
      httpsTo: [{ ipBlock: { cidr: '0.0.0.0/0' } }] },
    podAnnotations: { a: 'b' }, podLabels: { c: 'd' }, nodeSelector: { e: 'f' }, priorityClassName: 'high',
    tolerations: [{ key: 'a', operator: 'Exists' }], affinity: { nodeAffinity: {} },
    extraVolumes: [{ name: 'ca', configMap: { name: 'ca' } }], extraVolumeMounts: [{ name: 'ca', mountPath: '/ca' }],
    podDisruptionBudget: { maxUnavailable: '25%' },
  },
  'everything off': {
    autoscaling: { enabled: false }, networkPolicy: { enabled: false }, podDisruptionBudget: { enabled: false },
    topologySpread: { enabled: false }, metrics: { enabled: false }, secrets: { existingSecret: '' }, configReload: { pollSeconds: 0 },
    serviceAccount: { create: false, name: 'default' }, existingConfigMap: 'elsewhere', config: null,
  },
  ...Object.fromEntries(['eks', 'gke', 'aks'].map(provider => [provider, { workloadIdentity: { provider, ...cloud } }])),
};
const render = (...overlays) => renderChart(exampleValues(), ...overlays);
const pod = rendered => objects(rendered).Deployment[0].spec.template;

for (const [name, values] of Object.entries(variants)) {
  test(`chart, ${name}: values and objects fit their schemas`, async () => {
    const ajv = new (load('ajv').default)({ allErrors: true, strictTypes: false });
    const fits = ajv.compile(JSON.parse(read('deploy/helm/claude-gateway/values.schema.json')));
    const laid = merged(yaml(read('deploy/helm/claude-gateway/values.yaml')), exampleValues(), values);
    assert.ok(fits(laid), ajv.errorsText(fits.errors));
    for (const object of Object.values(objects(render(values))).flat()) {
      assert.deepEqual(await problemsOf(object), []);
      assert.equal(object.metadata.namespace, 'claude-gateway');
    }
  });
}

test('values: each has a default, and each default has a description', () => {
  const missing = [];
  (function walk(schema, value, path) {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      if (path + name === 'global') continue;
      if (!inner.description) missing.push(`${path}${name}: no description`);
      if (value?.[name] === undefined) missing.push(`${path}${name}: not in values.yaml`);
      walk(inner, value?.[name], `${path}${name}.`);
    }
  })(JSON.parse(read('deploy/helm/claude-gateway/values.schema.json')), yaml(read('deploy/helm/claude-gateway/values.yaml')), '');
  assert.deepEqual(missing, []);
});

test('the schema check finds what is wrong', async () => {
  const service = () => objects(render()).Service[0];
  assert.deepEqual(await problemsOf(service()), []);
  const misspelt = service();
  misspelt.spec.ports[0].targetport = 1;
  assert.match((await problemsOf(misspelt)).join(), /unknown member targetport/);
  const mistyped = service();
  mistyped.spec.ports[0].port = 'eighty';
  assert.notDeepEqual(await problemsOf(mistyped), []);
  assert.match((await problemsOf({ apiVersion: 'extensions/v1beta1', kind: 'Ingress', metadata: { name: 'x' } })).join(), /no schema/);
});

test('deploy/kubernetes is the chart with the example values', () => {
  const expected = {};
  for (const [name, text] of Object.entries(render())) {
    const content = text.trim();
    if (!name.endsWith('.yaml') || content === '') continue;
    expected[name.replace('templates/', '')] = `# The chart with deploy/helm/example-values.yaml; ./dev deploy-check --write renders it anew.\n${
      content.replace(/^ *(app\.kubernetes\.io\/managed-by|helm\.sh\/chart): .*\n/gm, '')}\n`;
  }
  if (process.env.DEPLOY_WRITE) {
    for (const [name, text] of Object.entries(expected)) writeFileSync(join(root, 'deploy/kubernetes', name), text);
  }
  assert.deepEqual(list('deploy/kubernetes', '.yaml'), [...Object.keys(expected), 'namespace.yaml'].sort());
  for (const [name, text] of Object.entries(expected)) {
    assert.equal(read(`deploy/kubernetes/${name}`), text, `deploy/kubernetes/${name} differs: ./dev deploy-check --write`);
  }
});

test('manifests fit Kubernetes’ schemas', async () => {
  for (const name of list('deploy/kubernetes', '.yaml')) {
    for (const object of yamlDocuments(read(`deploy/kubernetes/${name}`))) assert.deepEqual(await problemsOf(object), []);
  }
});

test('a pod is restricted: no root, no writing, no capability, no token, no shell needed', () => {
  const { spec } = pod(render());
  const [container] = spec.containers;
  assert.equal(spec.securityContext.runAsNonRoot, true);
  assert.equal(spec.securityContext.seccompProfile.type, 'RuntimeDefault');
  assert.deepEqual(container.securityContext, {
    allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } });
  assert.equal(spec.automountServiceAccountToken, false);
  assert.equal(spec.hostNetwork ?? spec.hostPID ?? spec.hostIPC, undefined);
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) assert.ok(container[probe].httpGet, probe);
  assert.equal(container.lifecycle, undefined);
});

test('a pod has its drain and 10 seconds more before it is killed', () => {
  const spec = values => pod(render(values)).spec;
  assert.equal(spec({}).terminationGracePeriodSeconds, 10 + 300 + 10);
  assert.equal(spec({ config: { listen: { drain_delay_seconds: 40 } } }).terminationGracePeriodSeconds, 40 + 300 + 10);
  const own = spec({ drain: { delaySeconds: 5, timeoutSeconds: 20 }, terminationGracePeriodSeconds: 30 });
  assert.equal(own.terminationGracePeriodSeconds, 30);
  assert.equal(own.containers[0].env.find(e => e.name === 'CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS').value, '20000');
});

for (const [values, said] of [
  [{ terminationGracePeriodSeconds: 300 }, /would cut open streams.*give at least 315/],
  [{ config: null }, /config: say what gateway.yaml is to hold/],
  [{ workloadIdentity: { provider: 'eks' } }, /workloadIdentity\.eks\.roleArn/],
  [{ workloadIdentity: { provider: 'gke' } }, /workloadIdentity\.gke\.serviceAccount/],
  [{ workloadIdentity: { provider: 'aks' } }, /workloadIdentity\.aks\.clientId/],
  [{ serviceAccount: { create: false } }, /serviceAccount\.name/],
  [{ metrics: { enabled: false } }, /autoscaling\.openStreams/],
  [{ autoscaling: { openStreams: 0, cpuUtilization: 0 } }, /autoscaling: give openStreams/],
  [{ autoscaling: { maxReplicas: 1 } }, /autoscaling\.maxReplicas/],
  [{ metrics: { rules: { enabled: true } } }, /metrics\.rules\.groups/],
]) {
  test(`the chart refuses ${JSON.stringify(values)}`, () => assert.throws(() => render(values), said));
}

test('a changed configuration changes the ConfigMap and its checksum, and no pod', () => {
  const before = render(), after = render({ config: { session: { ttl_hours: 2 } } });
  assert.deepEqual(pod(after), pod(before));
  const sums = [before, after].map(rendered => objects(rendered).ConfigMap[0].metadata.annotations['checksum/config']);
  assert.notEqual(sums[0], sums[1]);
  const { spec } = pod(after);
  const mount = spec.containers[0].volumeMounts.find(m => m.name === 'config');
  assert.equal(mount.subPath, undefined);
  assert.deepEqual(spec.containers[0].args, ['--config', '/etc/claude-gateway/gateway.yaml', '--config-poll', '15']);
});

test('each cloud’s identity is at the service account, and only there', () => {
  const of = provider => objects(render(variants[provider])).ServiceAccount[0].metadata.annotations;
  assert.deepEqual(of('eks'), { 'eks.amazonaws.com/role-arn': cloud.eks.roleArn });
  assert.deepEqual(of('gke'), { 'iam.gke.io/gcp-service-account': cloud.gke.serviceAccount });
  assert.deepEqual(of('aks'), { 'azure.workload.identity/client-id': cloud.aks.clientId, 'azure.workload.identity/tenant-id': cloud.aks.tenantId });
  assert.equal(objects(render()).ServiceAccount[0].metadata.annotations, undefined);
  assert.equal(pod(render(variants.aks)).metadata.labels['azure.workload.identity/use'], 'true');
  assert.equal(pod(render(variants.eks)).metadata.labels['azure.workload.identity/use'], undefined);
  const egress = rendered => JSON.stringify(objects(rendered).NetworkPolicy[0].spec.egress);
  assert.match(egress(render(variants.gke)), /169\.254\.169\.252/);
  assert.doesNotMatch(egress(render(variants.eks)), /169\.254/);
});

test('names and ports agree from the container to the autoscaler', () => {
  const all = objects(render(variants['everything on']));
  const template = all.Deployment[0].spec.template;
  const ports = template.spec.containers[0].ports;
  assert.deepEqual(ports.map(p => [p.name, p.containerPort]), [['http', 8080], ['metrics', 9464]]);
  for (const selector of [all.Deployment[0].spec.selector.matchLabels, all.Service[0].spec.selector,
    all.NetworkPolicy[0].spec.podSelector.matchLabels, all.PodDisruptionBudget[0].spec.selector.matchLabels,
    all.PodMonitor[0].spec.selector.matchLabels]) {
    for (const [label, value] of Object.entries(selector)) assert.equal(template.metadata.labels[label], value);
  }
  assert.deepEqual(all.Service[0].spec.ports.map(p => p.targetPort), ['http']);
  assert.deepEqual(all.NetworkPolicy[0].spec.ingress.flatMap(rule => rule.ports.map(p => p.port)), ['http', 'metrics']);
  assert.equal(all.PodMonitor[0].spec.podMetricsEndpoints[0].port, 'metrics');
  assert.equal(all.HorizontalPodAutoscaler[0].spec.scaleTargetRef.name, all.Deployment[0].metadata.name);
  const { metric } = all.HorizontalPodAutoscaler[0].spec.metrics[0].pods;
  const adapter = yaml(read('deploy/prometheus/adapter-values.yaml')).rules.custom[0];
  assert.equal(metric.name, adapter.name.as);
  assert.match(adapter.seriesQuery, new RegExp(`^${metric.name}\\{`));
});

test('numbers of gateway.yaml stay whole', () => {
  const config = yaml(objects(render({ config: { timeouts: { upstream_ttfb_ms: 1200000 } } })).ConfigMap[0].data['gateway.yaml']);
  assert.equal(config.timeouts.upstream_ttfb_ms, 1200000);
});

const program = join(root, 'dist/claude-gateway');
const unbuilt = existsSync(program) ? false : 'dist/claude-gateway is not built';

test('the gateway reads the gateway.yaml of the chart', { skip: unbuilt }, () => {
  const config = yaml(objects(render()).ConfigMap[0].data['gateway.yaml']);
  // A build that does not serve metrics of its own yet refuses the section.
  if (!JSON.parse(run(program, 'schema').text).properties.observability) delete config.observability;
  withFolder(folder => {
    const secrets = join(folder, 'secrets');
    mkdirSync(secrets);
    for (const [name, value] of Object.entries({
      jwt_secret: 'x'.repeat(64), oidc_client_secret: 'y', anthropic_api_key: 'z',
      postgres_url: 'postgres://gateway:p@db.example.com/gateway' })) writeFileSync(join(secrets, name), value);
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, load('yaml').stringify(config).replaceAll('/run/secrets/claude-gateway/', `${secrets}/`));
    const { status, text } = run(program, 'check', '--config', file);
    assert.deepEqual([status, text.trim()], [0, 'ok']);
  });
});

test('the gateway knows every argument that the pods give it', { skip: unbuilt }, t => {
  const help = run(program, '--help').text;
  const options = pod(render()).spec.containers[0].args.filter(arg => arg.startsWith('--'));
  const missing = options.filter(option => !help.includes(option));
  if (missing.join() === '--config-poll') return t.skip('this build does not look at its file by itself yet');
  assert.deepEqual(missing, []);
});

function merged(under, ...overlays) {
  for (const over of overlays) {
    for (const [name, value] of Object.entries(over)) {
      if (value === null) delete under[name];
      else if (typeof value === 'object' && !Array.isArray(value) && typeof under[name] === 'object' && under[name] !== null) merged(under[name], value);
      else under[name] = value;
    }
  }
  return under;
}
