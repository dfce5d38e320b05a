// Alert rules, their page and the dashboard: what can be said of them without a gateway. DashboardTests and ShowTests run them against one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { exampleValues, load, objects, read, renderChart, root, withFolder, yaml } from './tools.mjs';

const rulesText = read('deploy/prometheus/alerts.yml');
const groups = yaml(rulesText).groups;
const alerts = groups.flatMap(g => g.rules);
const faults = load('yaml').parse(read('deploy/prometheus/alerts.test.yml'), { maxAliasCount: -1 }).tests;
const samples = fault => fault.promql_expr_test.flatMap(t => t.exp_samples ?? []).map(s => /alertname="(\w+)"/.exec(s.labels)[1]);

/** All of alerts.test.yml; slow where the machine is busy. */
const promtoolTest = file => {
  const { status, stdout, stderr, error } = spawnSync('promtool', ['test', 'rules', file], { cwd: root, encoding: 'utf8', timeout: 300_000 });
  if (error) throw error;
  return { status, text: stdout + stderr };
};

test('alerts: each fires for its fault, and none without', () => {
  const { status, text } = promtoolTest('deploy/prometheus/alerts.test.yml');
  assert.equal(status, 0, text);
});

test('alerts: each has a fault in alerts.test.yml, and each fault is over at the end', () => {
  const fired = new Set(faults.flatMap(samples));
  assert.deepEqual(alerts.map(a => a.alert).filter(name => !fired.has(name)), []);
  for (const fault of faults) {
    const [first, ...rest] = fault.promql_expr_test;
    assert.deepEqual([first.exp_samples, rest.at(-1).exp_samples], [[], []], fault.name);
  }
});

test('alerts: each says how bad it is, what it is and what to do, and no template in it fails', () => {
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['critical', 'warning'].includes(labels.severity), alert);
    for (const part of ['summary', 'description', 'runbook']) assert.ok(annotations[part]?.length > 10, `${alert}: ${part}`);
    assert.doesNotMatch(annotations.summary + annotations.runbook, /\{\{/, `${alert}: only a description has values`);
  }
  withFolder(folder => {
    copyFileSync(join(root, 'deploy/prometheus/alerts.yml'), join(folder, 'alerts.yml'));
    // Expecting nothing has promtool print what it got.
    const tests = faults.filter(fault => samples(fault).length > 0).map(({ promql_expr_test: checks, ...rest }) => {
      const fires = checks.find(check => check.exp_samples.length > 0);
      return { ...rest, alert_rule_test: samples({ promql_expr_test: [fires] }).map(alertname => ({ eval_time: fires.eval_time, alertname, exp_alerts: [] })) };
    });
    writeFileSync(join(folder, 'test.yml'), JSON.stringify({ rule_files: ['alerts.yml'], evaluation_interval: '1m', tests }));
    const { status, text } = promtoolTest(join(folder, 'test.yml'));
    assert.notEqual(status, 0);
    for (const { alert } of alerts) assert.ok(text.includes(`alertname="${alert}"`), `${alert} was not seen`);
    assert.doesNotMatch(text, /error expanding|<no value>|%!/);
  });
});

test('alerts: memory is of what the chart allows', () => {
  const limit = yaml(read('deploy/helm/claude-gateway/values.yaml')).resources.limits.memory;
  assert.equal(limit, '512Mi');
  assert.match(alerts.find(a => a.alert === 'ClaudeGatewayMemoryHigh').expr, /> 0\.85 \* 512 \* 1024 \* 1024$/);
});

test('chart: it takes the rules and the dashboard as they stand in their files', () => {
  const rendered = renderChart(exampleValues(), { metrics: {
    rules: { enabled: true, groups: rulesText }, dashboard: { enabled: true, json: read('deploy/grafana/claude-gateway.json') } } });
  const found = objects(rendered);
  assert.deepEqual(found.PrometheusRule[0].spec.groups, groups);
  const map = found.ConfigMap.find(m => m.data['claude-gateway.json']);
  assert.deepEqual(JSON.parse(map.data['claude-gateway.json']), JSON.parse(read('deploy/grafana/claude-gateway.json')));
});

test('docs/alerts.md is made of alerts.yml', () => {
  const severity = { critical: 'critical: somebody has to look now', warning: 'warning: in working hours' };
  const code = text => text.trim().split('\n').map(line => `    ${line}`).join('\n');
  const page = [
    '# Alerts',
    'Made of [deploy/prometheus/alerts.yml](../deploy/prometheus/alerts.yml) by `./dev deploy-check --write`. Each alert carries the same words: `summary`,\n'
      + '`description` with the values, and `runbook`, so that nobody has to find this page while something burns.\n'
      + 'Thresholds are where most would want to know; change them in your copy.',
    '| alert | severity | when it lasts |\n|---|---|---|\n'
      + alerts.map(a => `| [${a.alert}](#${a.alert.toLowerCase()}) | ${a.labels.severity} | ${a.for ?? 'at once'} |`).join('\n'),
    ...alerts.map(a => [
      `## ${a.alert}`,
      `${a.annotations.summary} (${severity[a.labels.severity]}).`,
      a.annotations.runbook.trim(),
      code(a.expr),
    ].join('\n\n')),
  ].join('\n\n') + '\n';
  if (process.env.DEPLOY_WRITE) writeFileSync(join(root, 'docs/alerts.md'), page);
  assert.equal(read('docs/alerts.md'), page, 'docs/alerts.md: ./dev deploy-check --write');
});

test('dashboard: every panel has a title, a unit, and queries of the data source that is chosen', () => {
  const dashboard = JSON.parse(read('deploy/grafana/claude-gateway.json'));
  const panels = dashboard.panels.filter(p => p.type !== 'row');
  assert.ok(panels.length > 20);
  assert.equal(new Set(dashboard.panels.map(p => p.id)).size, dashboard.panels.length);
  for (const panel of panels) {
    assert.ok(panel.title && panel.description && panel.fieldConfig.defaults.unit, panel.title);
    assert.equal(panel.datasource.uid, '${datasource}', panel.title);
    for (const { expr, refId } of panel.targets) assert.ok(expr && refId && expr.includes('job=~"$job"'), `${panel.title}: ${expr}`);
  }
  // No two panels lie on each other, none beyond the right edge.
  const taken = new Set();
  for (const { title, gridPos: { x, y, w, h } } of dashboard.panels) {
    assert.ok(x + w <= 24, title);
    for (let i = x; i < x + w; i++) for (let j = y; j < y + h; j++) {
      assert.ok(!taken.has(`${i},${j}`), `${title} lies on another panel`);
      taken.add(`${i},${j}`);
    }
  }
});
