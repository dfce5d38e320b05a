#!/usr/bin/env python3
"""Moves from Anthropic's gateway to this one: a database that the real one filled, imported, and what both say of it compared.

  moving_in.py --cmd 'dist/claude-gateway --config {config}' [--claude PATH] [--verbose]

Starts the reference, the gateway inside Claude Code, with fakes of an identity provider and of a model, lets people sign in and
spend, sets, changes and deletes limits of every kind, and imports: a dry run, then for good, once more after more was spent, once
more for nothing. A gateway of ours with the same jwt_secret then answers what the reference answered, to the cent, and takes the
bearers that people have. Everything stays on loopback. Prints a line per check and ends with 'N passed, N failed'.
"""
import argparse, json, os, pathlib, re, shlex, subprocess, sys, time

SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared"
for folder in ("interop", "conformance"):
    if not (SHARED / folder).is_dir():
        sys.exit(f"the reference cannot be driven: expected {SHARED / folder}")
    sys.path.insert(0, str(SHARED / folder))
import gwtest, real_client, spendlib  # noqa: E402
from spendlib import ORG, PATH, R, W, group, user  # noqa: E402


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"ok    {name}" if good else f"FAIL  {name}: {detail}", flush=True)

    def same(self, name, theirs, ours):
        pairs = [f"\n  theirs {json.dumps(a)}\n  ours   {json.dumps(b)}" for a, b in zip(theirs, ours) if a != b]
        self.check(name, theirs == ours, f"{len(theirs)} there, {len(ours)} here" + "".join(pairs[:5]))


def fill(s):
    """People who spend, limits of every kind and period, changes and deletions: what a company leaves in the reference's store."""
    people = {}
    for sub, groups in (("amy", ["eng", "ops"]), ("Bob", ["eng"]), ('zoë "x"\\', ["grp,1", "{a}"]), ("chief", ["fin"])):
        people[sub] = s.who(sub, groups, email=f"{sub[:3]}@example.com")
    for scope in (ORG, user("amy"), group("eng")):
        for period in ("daily", "weekly", "monthly"):
            s.post(scope, "50000", period)
    s.post(user("Bob"), None, "monthly")
    s.post(group("eng"), "60000", "monthly", pooled_budget={"amount": "100", "paused": False})
    s.post(group("ops"), "60000", "monthly", pooled_budget={"amount": "7", "paused": True})
    gone = s.post(ORG, "1", "daily").json["id"]
    s.g.request("DELETE", f"{PATH}/{gone}", W)
    s.post(ORG, "999999999999999999", "weekly")
    s.post(user("carl"), "007", "daily", key=people["chief"])
    for sub, tokens, model in (("amy", 1000, "claude-sonnet-4-6"), ("amy", 3333, "claude-opus-4-8"), ("Bob", 777, "claude-haiku-4-5"), ('zoë "x"\\', 12345, "claude-sonnet-4-6"), ("chief", 0, "claude-sonnet-4-6")):
        s.send(people[sub], sub, tokens, model=model)
    s.post(user("Bob"), "0", "daily")
    s.send(people["Bob"], "Bob", 100)
    return people


def rows(s, gateway, path):
    return s.get(path, g=gateway).json["data"]


def views(s, gateway):
    """What the admin API says of limits and spend."""
    return {"limits": rows(s, gateway, "?limit=1000"), "effective": rows(s, gateway, "/effective?limit=1000")}


def import_from(cmd, config, source, *options):
    """The command as an operator types it, the source in the environment: exit code, what it printed, what it said went wrong."""
    program = [a for a in shlex.split(cmd) if a not in ("--config", "{config}")]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "DOTNET_ROOT": os.environ.get("DOTNET_ROOT", "/usr/share/dotnet"), "CLAUDE_GATEWAY_ALLOW_LOOPBACK": "1", "IMPORT_FROM": source}
    done = subprocess.run([*program, "import", "--config", config, *options], env=env, capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--cmd", required=True)
    p.add_argument("--claude", help="the claude binary; installed when it is not given")
    p.add_argument("--verbose", action="store_true")
    a = p.parse_args()
    report, began = Report(), time.time()
    claude = a.claude or real_client.client_binary()
    t = gwtest.Harness(f"{claude} gateway --config {{config}}", SHARED)
    try:
        s = spendlib.Spend(t)
        people = fill(s)
        source = s.config["store"]["postgres_url"]
        config = {**s.config, "listen": {**s.config["listen"], "port": gwtest.free_port()}, "store": {"postgres_url": t.pg.url(t.pg.create())}}
        file = os.path.join(t.work, "moving-in.yaml")
        pathlib.Path(file).write_text(json.dumps(config))

        def run(name, *options):
            code, out, err = import_from(a.cmd, file, source, *options)
            if a.verbose:
                print(out)
            report.check(name, code == 0 and not err, err or out)
            return out

        dry = run("a dry run")
        report.check("the dry run writes nothing", t.pg.sql(config["store"]["postgres_url"].rsplit("/", 1)[1], "select count(*) from pg_tables where tablename like 'gw_%'") == "0")
        first = run("an import", "--apply")
        report.check("the import does what the dry run said", first.splitlines()[:8] == dry.splitlines()[:8], first)
        # No total here ends in half a thousandth of a cent, which the reference, whose money is doubles, shows rounded either way.
        s.send(people["amy"], "amy", 54322)
        second = run("an import of what was spent since", "--apply")
        report.check("it adds that and nothing else", " grown" in second and not re.search(r"\bnew\b|conflict", second), second)
        third = run("an import of nothing", "--apply")
        report.check("it changes nothing", ", 0 cents added" in third and not re.search(r"\bnew\b|grown\b.*there|conflict", third), third)

        theirs, trail = views(s, s.g), rows(s, s.g, "/audit?limit=1000")
        s.g.stop()
        ours = gwtest.Gateway(a.cmd, config, t.work)
        t._stop.append(ours.stop)
        mine = views(s, ours)
        for view, known in theirs.items():
            report.check(f"the reference has {view}", bool(known))
            report.same(f"{view} are the same, to the cent", known, mine[view])
        report.check("spend is more than nothing", any(float(row["period_to_date_spend"]) > 10 for row in mine["effective"]))
        copied = [e for e in rows(s, ours, "/audit?limit=1000") if e["actor"] != "import"]
        strip = lambda events: [{k: v for k, v in e.items() if k not in ("id", "reason")} for e in events]
        report.same("the trail is the same but for its numbers", strip(trail), strip(copied))
        report.check("the trail says that it was imported", {e["reason"] for e in copied} == {"imported"}, copied)

        report.check("a bearer of the reference is good here", t.messages(ours, people["amy"]).status == 200)
        blocked = t.messages(ours, people["Bob"])
        report.check("a limit of the reference holds here", blocked.status == 429, blocked.text)
    except Exception as error:  # noqa: BLE001: whatever ends the run is a failure, and the rest must be stopped
        report.check("the run", False, repr(error)[:2000])
    finally:
        t.close()
        if gwtest.Harness._pg:
            subprocess.run([*gwtest.Harness._pg.ctl, "-m", "immediate", "stop"], capture_output=True, check=False)
    print(f"{time.time() - began:.0f} s", flush=True)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
