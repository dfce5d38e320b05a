// Administers the spend limits of a gateway with Anthropic's own SDK, for one test. Arguments: the folder whose node_modules
// has it, the gateway's URL, a key that may write, one that may only read. Says what came of it as JSON on standard output.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [, , folder, baseURL, apiKey, readKey] = process.argv;
const { default: Anthropic } = await import(pathToFileURL(createRequire(`${folder}/`).resolve('@anthropic-ai/sdk')));

const connect = (key) => new Anthropic({ apiKey: key, authToken: null, baseURL, maxRetries: 0 });
const admin = connect(apiKey);
const failure = async (call) => {
  try {
    await call();
    return null;
  } catch (e) {
    return { class: e.constructor.name, status: e.status, type: e.error?.error?.type, request: e.requestID };
  }
};
const all = async (pages) => {
  const rows = [];
  for await (const row of pages) {
    rows.push(row);
  }
  return rows;
};

const limits = admin.beta.organization.spendLimits;
const report = (page) => page.map((row) => [row.actor.user_id, row.amount, row.source.type]);
const organization = await limits.set({ scope: { type: 'organization' }, amount: '50000' });
for (let i = 0; i < 4; i++) {
  await limits.set({ scope: { type: 'user', user_id: `u${i}` }, amount: `${i}`, period: 'daily' });
}
const unlimited = await limits.set({ scope: { type: 'user', user_id: 'u0' }, amount: null, period: 'weekly' });
const paged = await all(limits.list({ limit: 2 }));
const asked = { period: ['daily'], user_ids: ['u3', 'u1'], limit: 1 };
const outcome = {
  organization,
  unlimited: unlimited.amount,
  retrieved: await limits.retrieve(organization.id),
  paged: paged.map((limit) => [limit.scope.user_id ?? limit.scope.type, limit.period, limit.is_enabled]),
  first: (await limits.list({ limit: 2 })).data.length,
  both: (await all(limits.list({ limit: 1, scope_type: ['user', 'organization'] }))).length,
  organizations: (await all(limits.list({ scope_type: ['organization'] }))).length,
  effective: report(await all(limits.effective.list(asked))),
  // The same report outside the beta.
  released: report(await all(admin.organization.spendLimits.effective.list(asked))),
  fraction: await failure(() => limits.set({ scope: { type: 'organization' }, amount: '1.5' })),
  workspace: await failure(() => limits.list({ workspace_id: 'wrkspc_1' })),
  readOnly: await failure(() => connect(readKey).beta.organization.spendLimits.delete(organization.id)),
  unknown: await failure(() => limits.retrieve('spl_0')),
  stranger: await failure(() => connect('nobody').beta.organization.spendLimits.list()),
  deleted: [],
};
for (const limit of paged) {
  outcome.deleted.push((await limits.delete(limit.id)).type);
}
outcome.left = (await limits.list()).data.length;
console.log(JSON.stringify(outcome));
