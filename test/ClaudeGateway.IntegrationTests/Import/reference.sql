-- A database as Anthropic's gateway 2.1.332 leaves it, as far as an import reads it: names, types and rows as seen from outside.
CREATE TABLE _migrations (version integer PRIMARY KEY, applied_at timestamptz NOT NULL);
CREATE TABLE kv (key text PRIMARY KEY, value text NOT NULL, expires_at timestamptz);
CREATE TABLE spend (
  principal text NOT NULL, period text NOT NULL, cents double precision NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (principal, period));
CREATE TABLE pooled_spend (
  rbac_group_id text NOT NULL, period text NOT NULL, cents double precision NOT NULL DEFAULT 0,
  updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (rbac_group_id, period));
CREATE TABLE principal_emails (
  principal text PRIMARY KEY, email text, name text, groups jsonb, updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE principal_groups (day text NOT NULL, principal text NOT NULL, groups jsonb NOT NULL, PRIMARY KEY (day, principal));
CREATE TABLE spend_limits (
  id text PRIMARY KEY, scope_type text NOT NULL, scope_id text NOT NULL DEFAULT '', amount bigint,
  period text NOT NULL DEFAULT 'monthly', currency text NOT NULL DEFAULT 'USD', created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), created_by text, pooled_limit_enabled boolean NOT NULL DEFAULT false,
  pooled_monthly_credit_limit bigint, UNIQUE (scope_type, scope_id, period));
CREATE TABLE admin_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(), actor text NOT NULL,
  action text NOT NULL, target text NOT NULL, before jsonb, after jsonb, reason text);

INSERT INTO _migrations SELECT n, timestamptz '2026-03-01 10:00:00.123456+00' + n * interval '1 ms' FROM generate_series(1, 8) AS n;
INSERT INTO kv VALUES ('rl:device:127.0.0.1', '5', now() + interval '10 minutes');

-- Thirds of a cent, as doubles keep them; an ISO week that began in the year before; somebody known by spend alone.
INSERT INTO spend (principal, period, cents, updated_at) VALUES
  ('amy', '2026-09-30', 1.2999, '2026-09-30 12:00+00'),
  ('amy', '2026-W40', 1.2999, '2026-09-30 12:00+00'),
  ('amy', '2026-09', 15.000300000000001, '2026-09-30 12:00+00'),
  ('Bob', '2026-01-01', 0.1, '2026-01-01 08:00+00'),
  ('Bob', '2026-W01', 0.30000000000000004, '2026-01-01 08:00+00'),
  ('Bob', '2026-01', 1234567.891, '2026-01-01 08:00+00'),
  ('zoë "x"\', '2026-09', 0, '2026-09-02 08:00+00'),
  ('forgotten', '2026-09', 0.0015000000000000002, '2026-09-03 08:00:00.5+00'),
  ('refunded', '2026-09', -300, '2026-09-03 08:00+00');
INSERT INTO pooled_spend (rbac_group_id, period, cents) VALUES ('eng', '2026-09', 7.25), ('eng', '2026-08', 2);
INSERT INTO principal_emails (principal, email, name, groups, updated_at) VALUES
  ('amy', 'amy@example.com', 'Amy', '["eng", "ops"]', '2026-09-30 12:00:00.7+00'),
  ('Bob', NULL, NULL, '[]', '2026-01-01 08:00+00'),
  ('zoë "x"\', 'zoe@example.com', 'Zoë Ü', '["grp,1", "{a}"]', '2026-09-02 08:00+00'),
  ('refunded', 'r@example.com', 'R', NULL, '2026-09-03 08:00+00');
INSERT INTO principal_groups VALUES ('2026-09-30', 'amy', '["eng", "ops"]');
INSERT INTO spend_limits (id, scope_type, scope_id, amount, period, created_at, updated_at, created_by, pooled_limit_enabled,
  pooled_monthly_credit_limit) VALUES
  ('spl_00000000000000000000000000000003', 'organization', '', 999999999999999999, 'weekly', '2026-03-03+00', '2026-03-03+00', 'admin-key:tf', false, NULL),
  ('spl_00000000000000000000000000000001', 'user', 'amy', 50000, 'monthly', '2026-03-01 12:00:00.6897+00', '2026-03-04+00', 'admin-key:tf', false, NULL),
  ('spl_00000000000000000000000000000002', 'rbac_group', 'eng', 60000, 'monthly', '2026-03-02+00', '2026-03-02+00', 'oidc:chief', true, 10000),
  ('spl_00000000000000000000000000000004', 'rbac_group', 'ops', NULL, 'monthly', '2026-03-04+00', '2026-03-04+00', 'admin-key:tf', false, 9),
  ('spl_00000000000000000000000000000005', 'user', 'Bob', 0, 'daily', '2026-03-05+00', '2026-03-05+00', 'admin-key:tf', false, NULL);
INSERT INTO admin_audit (at, actor, action, target, before, after, reason) VALUES
  ('2026-03-01 12:00:00.6897+00', 'admin-key:tf', 'spend_limit.upsert', 'spl_00000000000000000000000000000001', NULL,
   '{"id": "spl_00000000000000000000000000000001", "scope": {"type": "user", "user_id": "amy"}, "amount": "40000", "period": "monthly", "currency": "USD", "created_at": "2026-03-01T12:00:00.689Z", "updated_at": "2026-03-01T12:00:00.689Z"}', NULL),
  ('2026-03-04+00', 'oidc:chief', 'spend_limit.upsert', 'spl_00000000000000000000000000000001',
   '{"id": "spl_00000000000000000000000000000001", "amount": "40000"}', '{"id": "spl_00000000000000000000000000000001", "amount": "50000"}', 'budget'),
  ('2026-03-06+00', 'admin-key:tf', 'spend_limit.delete', 'spl_00000000000000000000000000000009',
   '{"id": "spl_00000000000000000000000000000009", "amount": "1"}', NULL, NULL);
