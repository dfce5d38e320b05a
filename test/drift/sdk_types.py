"""Reads the few TypeScript declarations of the agent SDK (sdk.d.ts) that name what a client knows: no compiler, only the forms that file uses."""
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"\s+|//[^\n]*|/\*.*?\*/|(?P<text>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")|(?P<word>[$\w]+)|(?P<sign>=>|\.\.\.|[^\s])", re.S)


class Unreadable(Exception):
    """The declarations are not where or what they were: the comparison cannot be made."""


@dataclass
class Type:
    """One type: kind is object, union, array, tuple, literal or name (which also stands for everything not followed further)."""
    kind: str
    text: str = ""
    members: dict = field(default_factory=dict)     # object: name -> (is optional, type)
    index: "Type | None" = None                     # object: the type of [k: string]
    parts: list = field(default_factory=list)       # union, tuple: the parts; array: its one element

    def alternatives(self):
        """The types a value may have, unions opened."""
        return [a for p in self.parts for a in p.alternatives()] if self.kind == "union" else [self]


class _Reader:
    def __init__(self, source, start):
        self.tokens, at = [], start
        self.source, self.at = source, at

    def peek(self):
        while True:
            m = TOKEN.match(self.source, self.at)
            if not m: return ""
            if m.lastgroup: return m[0]
            self.at = m.end()

    def take(self, expected=None):
        token = self.peek()
        if not token or (expected and token != expected):
            line = self.source.count("\n", 0, self.at) + 1
            raise Unreadable(f"sdk.d.ts line {line}: expected {expected or 'more'}, found {token or 'the end'}")
        self.at += len(token)
        return token

    def skip(self, *tokens):
        if self.peek() in tokens: self.take(); return True
        return False

    def union(self):
        self.skip("|")
        parts = [self.postfix()]
        while self.peek() in ("|", "&"): self.take(); parts.append(self.postfix())
        return parts[0] if len(parts) == 1 else Type("union", parts=parts)

    def postfix(self):
        self.skip("readonly")
        found = self.primary()
        while self.peek() == "[":
            self.take()
            if self.skip("]"): found = Type("array", parts=[found])
            else: self.union(); self.take("]"); found = Type("name", "unknown")
        return found

    def primary(self):
        token = self.peek()
        if token == "{": return self.object()
        if token == "(":
            self.take(); inner = self.union(); self.take(")")
            return inner
        if token == "[":
            self.take(); parts = []
            while not self.skip("]"):
                self.skip("..."); parts.append(self.union()); self.skip(",")
            return Type("tuple", parts=parts)
        token = self.take()
        if token[0] in "'\"": return Type("literal", token[1:-1])
        if token == "-": token += self.take()
        if re.fullmatch(r"-?\d[\d.]*|true|false|null", token): return Type("literal", token)
        while self.skip("."): token += "." + self.take()
        if self.skip("<"):
            while not self.skip(">"): self.union(); self.skip(",")
        return Type("name", token)

    def object(self):
        self.take("{")
        found = Type("object")
        while not self.skip("}"):
            if self.skip(";", ","): continue
            if self.skip("["):
                self.take(); self.take(":"); self.union(); self.take("]"); self.take(":")
                found.index = self.union()
                continue
            name = self.take().strip("'\"")
            optional = self.skip("?")
            self.take(":")
            found.members[name] = (optional, self.union())
        return found


def declared(source, pattern):
    """The type behind a declaration: an interface's members, an alias's or constant's type."""
    m = re.search(pattern, source)
    if not m: raise Unreadable(f"sdk.d.ts has no declaration that matches {pattern}")
    return _Reader(source, m.end()).union()


def settings(source): return declared(source, r"\binterface Settings (?={)")


def literals(source, pattern):
    """The texts of a union or tuple of texts."""
    found = [p.text for a in declared(source, pattern).alternatives() for p in (a.parts or [a]) if p.kind == "literal"]
    if not found: raise Unreadable(f"sdk.d.ts: no names in the declaration that matches {pattern}")
    return found


def hook_events(source): return literals(source, r"\bconst HOOK_EVENTS: ")


def permission_modes(source): return literals(source, r"\btype PermissionMode = ")


def members(type_, place=""):
    """Every member below a type as a path: a.b, [] for a list's entries, * for a map's values."""
    for a in type_.alternatives():
        for name, (_, inner) in a.members.items():
            path = f"{place}.{name}" if place else name
            yield path
            yield from members(inner, path)
        if a.index: yield from members(a.index, f"{place}.*")
        if a.kind == "array": yield from members(a.parts[0], f"{place}[]")
