#!/usr/bin/env python3
"""Compares what this gateway knows with a reference binary (asked as a black box on loopback) and the agent SDK's types.

Exit code: 0 nothing moved, 1 something did, 2 the comparison could not be made. What is known to differ, and why, is in exceptions.json.
"""
import argparse, importlib, json, os, pathlib, re, shlex, shutil, subprocess, sys, traceback
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
import documents, sdk_types
from asking import Asked, CannotCompare
from lists import Product

# Objects a place of gateway.yaml needs around a key to be judged at all; several where forms exclude each other.
UPSTREAMS = {"anthropic": {"auth": {"api_key": "k"}}, "bedrock": {"region": "us-east-1", "auth": {}}, "mantle": {"region": "us-east-1", "auth": {}}, "anthropicAws": {"region": "us-east-1", "workspace_id": "w", "auth": {"api_key": "k"}},
             "anthropicGoogleCloud": {"project_id": "p", "location": "l", "workspace_id": "w", "auth": {}}, "vertex": {"region": "r", "project_id": "p", "auth": {}}, "foundry": {"resource": "r", "auth": {"api_key": "k"}}}
FEDERATED = {"federation_rule_id": "fdrl_x", "organization_id": "11111111-2222-3333-4444-555555555555", "identity_token_file": "/tmp/x"}
BASES = {"upstreams[]{provider=anthropic}.auth": [{"api_key": "k"}, {"oauth_token": "k"}, {**FEDERATED, "workspace_id": "w", "service_account_id": "s"}], "upstreams[]{provider=foundry}.auth": [{"api_key": "k"}, {"use_azure_ad": True}],
         "models[]": [{"id": "m", "upstream_model": {"anthropic": "x"}}], "managed.policies[]": [{"cli": {}}], "telemetry.forward_to[]": [{"url": "https://x.example"}], "admin.write_keys[]": [{"id": "i", "key": "k" * 40}], "admin.read_keys[]": [{"id": "i", "key": "k" * 40}],
         "pricing.overrides[]": [{"upstream": "anthropic", "model": "m", "input": 1, "output": 1, "cache_read": 1, "cache_write": 1}]}


class Report:
    """Gathers what moved, group by group, without what exceptions.json explains."""
    def __init__(self, exceptions): self.exceptions, self.moved, self.used = exceptions, {}, set()

    def add(self, group, said, name):
        reasons = self.exceptions.get(group, {})
        known = name if name in reasons else next((p for p in reasons if p.endswith("*") and name.startswith(p[:-1])), None)
        if known is not None: self.used.add((group, known))
        else: self.moved.setdefault((group, said), []).append(name)

    def sets(self, group, ours, theirs, where):
        for name in theirs:
            if name not in ours: self.add(group, f"new in {where}", name)
        for name in ours:
            if name not in theirs: self.add(group, f"gone from {where}", name)

    def print(self, out=sys.stdout, checked=None):
        for (group, said), names in self.moved.items():
            print(f"\n{group}: {said}", file=out)
            for name in names: print(f"  {name}", file=out)
        stale = [(g, n) for g, names in self.exceptions.items() for n in names if (g, n) not in self.used and (checked is None or g in checked)]
        if stale:
            print("\nexceptions.json: explained, but no longer so", file=out)
            for group, name in stale: print(f"  {group}: {name}", file=out)
        count = sum(map(len, self.moved.values())) + len(stale)
        print(f"\n{count} moved" if count else "nothing moved", file=out)
        return 1 if count else 0


def compare_sdk(product, sdk, report):
    """The SDK's types name what a client reads; what we describe below a key is compared only where we describe anything."""
    theirs, ours = list(dict.fromkeys(sdk_types.members(sdk_types.settings(sdk)))), product.members
    parent = lambda m: re.sub(r"(\.[^.]+|\[\])$", "", m) if "." in m else ""
    described, listed = {parent(m) for m in ours}, {parent(m) for m in theirs}
    report.sets("settings keys, agent SDK", product.settings_keys, [m for m in theirs if "." not in m and "[" not in m], "the SDK's interface Settings")
    report.sets("settings members, agent SDK", [m for m in ours if "." in m and parent(m) in listed], [m for m in theirs if "." in m and parent(m) in described], "the SDK's interface Settings")
    report.sets("hook events, agent SDK", product.hook_events, sdk_types.hook_events(sdk), "the SDK's HOOK_EVENTS")
    report.sets("permission modes, agent SDK", product.permission_modes, sdk_types.permission_modes(sdk), "the SDK's PermissionMode")


def compare_settings(product, sdk, ours, reference, report, progress):
    settings = sdk_types.settings(sdk)
    names = list(dict.fromkeys([*product.settings_keys, *(m for m in settings.members)]))
    said = reference.refused([{n: 12345} for n in names], "cli", progress)
    report.sets("settings keys", product.settings_keys, [n for i, n in enumerate(names) if "unknown settings key" not in said.get(i, "")], "the reference")
    events = list(dict.fromkeys([*product.hook_events, *sdk_types.hook_events(sdk)]))
    said = reference.refused([{"hooks": {e: []}} for e in events], "cli", progress)
    report.sets("hook events", product.hook_events, [e for i, e in enumerate(events) if i not in said], "the reference")
    modes = list(dict.fromkeys([*product.permission_modes, *sdk_types.permission_modes(sdk)]))
    said = reference.refused([{"permissions": {"defaultMode": m}} for m in modes], "cli", progress)
    report.sets("permission modes", product.permission_modes, [m for i, m in enumerate(modes) if i not in said], "the reference")
    asked = list(documents.of(settings, product.hook_events[0]))
    verdicts("settings values", asked, "cli", ours, reference, report, progress)
    keys = list(dict.fromkeys([*product.desktop_keys, *names]))
    verdicts("desktop keys", [(k, {k: v}) for k in keys for v in (True, 5, "x", {"a": 5})], "desktop", ours, reference, report, progress)


def verdicts(group, asked, block, ours, reference, report, progress):
    here, there = (g.refused([d for _, d in asked], block, progress) for g in (ours, reference))
    for i, (path, document) in enumerate(asked):
        if (i in here) != (i in there): report.add(group, "refused by the reference, taken here" if i in there else "taken by the reference, refused here", f"{path}: {json.dumps(document)}")


def compare_config(product, reference, words, report, progress):
    places = product.config_places
    names = sorted({k for keys in places.values() for k in keys} | set(words))
    for place, keys in places.items():
        progress(f"reference: gateway.yaml, {place or 'top level'}")
        known = set()
        for base in BASES.get(place, [None]):
            config = reference.config()
            node = at(config, place, base)
            for n in [*(n for n in names if n not in node), "zz_canary"]: node[n] = 12345
            unknown = reference.unknown_keys(config, place)
            if "zz_canary" in unknown: known |= {n for n in names if n in node and n not in unknown}
            elif not place: raise CannotCompare("the reference does not name unknown keys of gateway.yaml's top level")
        if known: report.sets("gateway.yaml keys", [f"{place}.{k}".lstrip(".") for k in keys], [f"{place}.{k}".lstrip(".") for k in sorted(known)], "the reference")


def at(config, place, base):
    """The object at the place, made with what it needs around it."""
    node = config
    for step, path in steps(place):
        name, is_list, kind = re.match(r"(\w+)(\[\])?(?:\{\w+=(\w+)\})?", step).groups()
        if is_list: node[name] = [{"provider": kind, **json.loads(json.dumps(UPSTREAMS[kind]))} if kind else dict(BASES.get(path, [{}])[0])]; node = node[name][0]
        else:
            if not isinstance(node.get(name), dict): node[name] = {}
            node = node[name]
    if base is not None: node.clear(); node.update(base)
    return node


def steps(place):
    path = ""
    for step in place.split(".") if place else []:
        path = f"{path}.{step}".lstrip(".")
        yield step, path


def harness():
    kit = ROOT.parent / "shared" / "conformance"
    if not (kit / "gwtest.py").exists(): raise CannotCompare(f"the harness that starts gateways, identity provider and PostgreSQL is not there: expected {kit / 'gwtest.py'}")
    sys.path.insert(0, str(kit))
    return importlib.import_module("gwtest"), kit


def sdk_source(path):
    file = path / "sdk.d.ts" if path.is_dir() else path
    if not file.exists(): raise CannotCompare(f"the agent SDK's types are not there: expected {file}")
    return file.read_text()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--gateway", default=str(ROOT / "dist" / "claude-gateway")); p.add_argument("--reference", required=True, help="the claude binary"); p.add_argument("--sdk", required=True, type=pathlib.Path, help="folder of the agent SDK, or its sdk.d.ts"); a = p.parse_args()
    progress = lambda text: print(f"drift: {text}", file=sys.stderr, flush=True)
    gwtest, asked = None, []
    try:
        a.gateway, a.reference = os.path.abspath(a.gateway), os.path.abspath(a.reference)
        for path in (a.gateway, a.reference):
            if not os.access(path, os.X_OK): raise CannotCompare(f"{path} is not there or cannot be run")
        sdk, product, data = sdk_source(a.sdk), Product(a.gateway), json.loads((HERE / "exceptions.json").read_text())
        report = Report(data["exceptions"])
        compare_sdk(product, sdk, report)
        gwtest, kit = harness()
        reference = Asked("reference", f"env DISABLE_AUTOUPDATER=1 {shlex.quote(a.reference)} gateway --config {{config}}", gwtest, kit); asked.append(reference)
        ours = Asked("this gateway", f"{shlex.quote(a.gateway)} --config {{config}}", gwtest, kit); asked.append(ours)
        progress("catalogues")
        here, there = ours.models(), reference.models()
        report.sets("catalogue", here, there, "the reference")
        if sorted(here) == sorted(there) and here != there: report.add("catalogue", "in another order at the reference", ", ".join(there))
        compare_settings(product, sdk, ours, reference, report, progress)
        compare_config(product, reference, data["words"], report, progress)
        return report.print()
    except (CannotCompare, sdk_types.Unreadable) as e:
        print(f"drift: cannot compare: {e}", file=sys.stderr)
        return 2
    except Exception as e:
        traceback.print_exc()
        print(f"drift: cannot compare: {type(e).__name__}: {e}", file=sys.stderr)
        return 2     # a fault of this program is not a difference
    finally:
        for g in asked: g.close()
        pg = gwtest.Harness._pg if gwtest else None
        if pg: subprocess.run([*pg.ctl, "-m", "immediate", "stop"], capture_output=True); shutil.rmtree(os.path.dirname(pg.dir), ignore_errors=True)


if __name__ == "__main__": sys.exit(main())
