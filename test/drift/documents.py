"""Documents that put a value of the wrong kind into each member the agent SDK names: where verdicts differ, a member or its values moved."""
import json

WRONG = (5, "x", {"a": 5}, True)


def example(type_):
    """A value of the type, as small as it may be."""
    a = type_.alternatives()[0]
    if a.kind == "literal": return json.loads(a.text) if a.text in ("true", "false", "null") or a.text.lstrip("-").replace(".", "").isdigit() else a.text
    if a.kind == "object": return {n: example(t) for n, (optional, t) in a.members.items() if not optional}
    if a.kind == "tuple": return [example(a.parts[0])]
    return [] if a.kind == "array" else {"string": "x", "number": 1, "boolean": True}.get(a.text, {})


def placed(type_):
    """For each member below the type its path, and how to build a value of the type around a value of the member."""
    for a in type_.alternatives():
        base = example(a)
        for name, (_, inner) in a.members.items():
            yield name, lambda v, b=base, n=name: {**b, n: v}
            for path, build in placed(inner): yield f"{name}{_joint(path)}{path}", lambda v, b=base, n=name, f=build: {**b, n: f(v)}
        if a.index:
            for path, build in [("", lambda v: v), *placed(a.index)]: yield f"*{_joint(path)}{path}", lambda v, f=build: {"k": f(v)}
        if a.kind == "array":
            for path, build in [("", lambda v: v), *placed(a.parts[0])]: yield f"[]{_joint(path)}{path}", lambda v, f=build: [f(v)]


def _joint(path): return "." if path and not path.startswith("[") else ""


def of(settings, hook_event):
    """(path, document) for every member and wrong value; hooks stand under an event that exists."""
    seen = set()
    for path, build in placed(settings):
        top = path.split(".")[0].split("[")[0]
        if top == "*": continue      # any other name: nobody knows one
        for wrong in WRONG:
            document = {top: build(wrong)[top]}
            if top == "hooks" and isinstance(document["hooks"], dict) and "k" in document["hooks"]: document = {"hooks": {hook_event: document["hooks"]["k"]}}
            key = json.dumps(document)
            if key not in seen: seen.add(key); yield path, document
