// Kubernetes' own schemas, as the packages kubernetes-models and @kubernetes-models/prometheus-operator carry them.
import { importPackage } from './tools.mjs';

const groups = {
  'v1': ['kubernetes-models', 'IoK8sApiCoreV1'],
  'apps/v1': ['kubernetes-models', 'IoK8sApiAppsV1'],
  'autoscaling/v2': ['kubernetes-models', 'IoK8sApiAutoscalingV2'],
  'networking.k8s.io/v1': ['kubernetes-models', 'IoK8sApiNetworkingV1'],
  'policy/v1': ['kubernetes-models', 'IoK8sApiPolicyV1'],
  'monitoring.coreos.com/v1': [
    '@kubernetes-models/prometheus-operator', 'ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1'],
};

// The schemas take unknown members. Their validators read each member that they know, so one that was never read is
// misspelt. `read` holds, for each object of the document, the names that were asked for.
function watched(value, read) {
  if (value === null || typeof value !== 'object') return value;
  const names = new Set();
  const copy = Array.isArray(value) ? value.map(item => watched(item, read)) : {};
  if (!Array.isArray(value)) {
    for (const [name, member] of Object.entries(value)) copy[name] = watched(member, read);
  }
  const proxy = new Proxy(copy, {
    get(target, name) {
      names.add(name);
      return target[name];
    },
  });
  read.push({ value, names });
  return proxy;
}

/** What is wrong with an object of Kubernetes; empty when nothing is. */
export async function problemsOf(object) {
  const group = groups[object.apiVersion];
  if (!group) return [`${object.apiVersion} ${object.kind}: no schema is known for it`];
  const { validate } = await importPackage(group[0], `_schemas/${group[1]}${object.kind}.js`);
  const read = [];
  const valid = validate(watched(object, read));
  const problems = valid ? [] : validate.errors.map(error => `${error.instancePath} ${error.message ?? error.keyword}`);
  for (const { value, names } of read) {
    if (Array.isArray(value)) continue;
    for (const name of Object.keys(value)) if (!names.has(name)) problems.push(`unknown member ${name}`);
  }
  return problems.map(problem => `${object.kind} ${object.metadata?.name}: ${problem}`);
}
