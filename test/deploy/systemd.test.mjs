import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { read, run, withFolder } from './tools.mjs';

const unit = read('deploy/systemd/claude-gateway.service');
const settings = name => [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(found => found[1]);

/** The unit with a program that is there, which verify wants to see. */
const verify = text => withFolder(folder => {
  const file = join(folder, 'claude-gateway.service');
  writeFileSync(file, text.replaceAll('/opt/claude-gateway/claude-gateway', '/bin/true'));
  return run('systemd-analyze', 'verify', '--man=no', file);
});

test('systemd understands every line', () => {
  assert.deepEqual(verify(unit), { status: 0, text: '' });
  assert.match(verify(unit.replace('ProtectClock=', 'ProtectTime=')).text, /Unknown key( name)? 'ProtectTime'/);
});

test('systemd rates its exposure at most 1.5 of 10', () => {
  const security = text => withFolder(folder => {
    const file = join(folder, 'claude-gateway.service');
    writeFileSync(file, text);
    return run('systemd-analyze', 'security', '--offline=yes', '--no-pager', '--threshold=15', file);
  });
  const { status, text } = security(unit);
  assert.equal(status, 0, text);
  assert.notEqual(security(unit.replace(/^(Protect|Private|SystemCall).*$/gm, '')).status, 0);
});

test('the drain fits before the kill', () => {
  const drain = Number(/CLAUDE_GATEWAY_DRAIN_TIMEOUT_MS=(\d+)/.exec(unit)[1]) / 1000;
  assert.ok(Number(settings('TimeoutStopSec')[0]) >= drain + 20, 'room for listen.drain_delay_seconds is missing');
});

test('a reload is SIGHUP, and what the runtime cannot do is not asked of it', () => {
  assert.deepEqual(settings('ExecReload'), ['/bin/kill -HUP $MAINPID']);
  assert.deepEqual(settings('Type'), ['exec']);
  assert.deepEqual(settings('MemoryDenyWriteExecute'), []);
  assert.deepEqual(settings('ProcSubset'), []);
});
