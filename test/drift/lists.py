"""What the product says it knows, read from what `claude-gateway schema` prints: plain lists that can be compared."""
import json, subprocess


class Product:
    def __init__(self, gateway):
        self.settings = self._printed(gateway, "schema", "--settings")
        self.config = self._printed(gateway, "schema")

    @staticmethod
    def _printed(*command): return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout)

    @property
    def settings_keys(self):
        """Top-level keys of cli blocks, without those that need a variable to be known."""
        return [k for k, s in self.settings["cli"]["properties"].items() if not (isinstance(s, dict) and "x-needs" in s)]

    @property
    def desktop_keys(self): return list(self.settings["desktop"]["properties"])

    @property
    def hook_events(self): return list(self.settings["cli"]["properties"]["hooks"]["properties"])

    @property
    def permission_modes(self): return self.settings["cli"]["properties"]["permissions"]["properties"]["defaultMode"]["enum"]

    @property
    def members(self):
        """Every member below the top level that a schema names, as sdk_types.members writes it; hooks once for all events."""
        root = self.settings["cli"]
        found = dict.fromkeys(_members(root, root, "", ()))
        first = next(iter(root["properties"]["hooks"]["properties"]))
        return list(dict.fromkeys(m.replace(f"hooks.{first}", "hooks.*", 1) for m in found if not m.startswith("hooks.") or m.split(".")[1].split("[")[0] == first))

    @property
    def config_places(self):
        """gateway.yaml: place -> its keys; a place with kinds says which ('upstreams[]{provider=bedrock}')."""
        places = {}
        _places(self.config, "", places)
        return places


def _members(schema, root, place, seen):
    if not isinstance(schema, dict): return
    if "$ref" in schema and schema["$ref"] not in seen:
        yield from _members(root["$defs"][schema["$ref"].split("/")[-1]], root, place, (*seen, schema["$ref"]))
    for k in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(k, []): yield from _members(part, root, place, seen)
    for k in ("then", "else", "x-expected"):
        if k in schema: yield from _members(schema[k], root, place, seen)
    for name, inner in schema.get("properties", {}).items():
        path = f"{place}.{name}" if place else name
        yield path
        yield from _members(inner, root, path, seen)
    for inner in ([schema["additionalProperties"]] if "additionalProperties" in schema else []) + list(schema.get("patternProperties", {}).values()):
        yield from _members(inner, root, f"{place}.*", seen)
    if "items" in schema: yield from _members(schema["items"], root, f"{place}[]", seen)


def _places(schema, place, places):
    if not isinstance(schema, dict) or "$ref" in schema: return
    for k in ("oneOf", "anyOf"):
        for part in schema.get(k, []):
            kind = next((f"{n}={p['const']}" for n, p in part.get("properties", {}).items() if isinstance(p, dict) and "const" in p), None)
            _places(part, place + ("{%s}" % kind if kind else ""), places)
    if "properties" in schema:
        places.setdefault(place, {}).update(dict.fromkeys(schema["properties"]))
        for name, inner in schema["properties"].items(): _places(inner, f"{place}.{name}" if place else name, places)
    if "items" in schema: _places(schema["items"], f"{place}[]", places)
    if isinstance(schema.get("additionalProperties"), dict): _places(schema["additionalProperties"], f"{place}.*", places)
