"""Two gateways asked the same questions as black boxes: files they refuse at boot, and the models they list. Uses the harness of ../shared/conformance."""
import json, re


class CannotCompare(Exception):
    """The answer of one gateway cannot be read: the reason is for whoever started the comparison."""


# What a gateway prints about all refused policies at once must fit into one pipe.
BATCH = 150


class Asked:
    def __init__(self, name, command, harness, root):
        self.name, self.t = name, harness.Harness(command, root)
        self.idp, self.up = self.t.idp(), self.t.upstream()
        self.db = self.t.pg.create()

    def close(self): self.t.close()

    def config(self, **extra): return self.t.config(self.idp, [self.up], db=self.db, **extra)

    def boot(self, config):
        """What the gateway prints with this configuration, started or refused."""
        told = self.t.boot_failure(config, timeout=120)
        self.t._stop.pop()()
        if not told["exited"] and not any(" listening on http" in l for l in told["stderr"]): raise CannotCompare(f"{self.name} neither started nor stopped within two minutes")
        return told["stderr"]

    def refused(self, documents, block, progress):
        """One policy for each document: what is said about the refused ones, {index: text}."""
        out = {}
        for start in range(0, len(documents), BATCH):
            progress(f"{self.name}: {block} documents {start + 1} to {min(start + BATCH, len(documents))} of {len(documents)}")
            for i, text in self._refused(documents[start:start + BATCH], block).items(): out[start + i] = text
        return out

    def _refused(self, documents, block):
        # A key nobody knows goes last: when it is not named, the output was cut off or has a form this cannot read.
        canary = {"zzCanary": True} if block == "cli" else {"chatTabEnabled": {}}
        policies = [{"match": {"groups": [f"g{i}"]}, "cli": {}, block: d} for i, d in enumerate([*documents, canary])]
        lines, out, current = self.boot(self.config(managed={"policies": policies})), {}, None
        for line in lines:
            if line.startswith(("[gateway]", "{")): continue
            m = re.search(r"managed\.policies\[(\d+)\]", line)
            current = int(m[1]) if m else current
            if current is not None: out[current] = out.get(current, "") + line + "\n"
        if out.pop(len(documents), None) is None: raise CannotCompare(f"{self.name} did not refuse a policy that no gateway takes; it said: {' | '.join(lines[-3:])[-400:]}")
        return out

    def models(self):
        try: g = self.t.start(self.config())
        except RuntimeError as e: raise CannotCompare(f"{self.name}: {e}") from e
        try: return [m["id"] for m in g.request("GET", "/v1/models", self.t.bearer(g)).json["data"]]
        finally: g.stop()

    def unknown_keys(self, config, place_of):
        """Keys of gateway.yaml the reference calls unrecognised at one place, as its error list says it."""
        text = "\n".join(self.boot(config))
        m = re.search(r"claude gateway: (\[\n.*\n\])", text, re.S)
        if not m: raise CannotCompare(f"{self.name} did not list what is wrong with {place_of}: {text[-300:]}")
        found = set()
        def collect(errors):
            for e in errors:
                if e.get("code") == "unrecognized_keys": found.update(e["keys"])
                for union in [*e.get("unionErrors", []), *e.get("errors", [])]: collect(union["issues"] if isinstance(union, dict) else union)
        collect(json.loads(m[1]))
        return found
